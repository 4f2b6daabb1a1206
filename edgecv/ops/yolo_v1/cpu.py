"""CPU twin of yolo_v1."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._candidates import Candidates, Scored, corners
from edgecv.ops.survivors.cpu import survivors
from edgecv.ops.yolo_v1 import YoloGrid

Array = npt.NDArray[Any]


def yolo_v1(values: Array, grid: YoloGrid, score: float, k: int) -> Candidates:
    """See `edgecv.ops.yolo_v1`; the arguments are checked there."""
    boxes, there, classes = _parts(values, grid)
    scores = (there[:, :, None] * classes[:, None, :]).reshape(-1, classes.shape[1])
    index, nan = survivors(scores, np.float32(score), 0)
    point, ids = np.divmod(index, scores.shape[1])
    found = Scored(point, ids, scores.reshape(-1)[index], nan)
    if not grid.multi_label:
        found = found.best_of_each()
    best = found.best(k)
    chosen = _xyxy(boxes.reshape(-1, 4)[best.point], best.point // grid.boxes, grid)
    return Candidates(chosen, best.value, best.ids, len(found.point), found.nan)


def _parts(values: Array, grid: YoloGrid) -> tuple[Array, Array, Array]:
    """(S * S, B, 4) boxes, (S * S, B) confidences, (S * S, C) conditional probabilities."""
    cells, classes = grid.side**2, grid.classes(len(values))
    if grid.darknet:
        first, second = cells * classes, cells * (classes + grid.boxes)
        return (
            values[second:].reshape(cells, grid.boxes, 4),
            values[first:second].reshape(cells, grid.boxes),
            values[:first].reshape(cells, classes),
        )
    rows = values.reshape(cells, -1)
    each = rows[:, : 5 * grid.boxes].reshape(cells, grid.boxes, 5)
    return each[:, :, :4], each[:, :, 4], rows[:, 5 * grid.boxes :]


def _xyxy(raw: Array, cell: Array, grid: YoloGrid) -> Array:
    corner = np.stack([cell % grid.side, cell // grid.side], axis=1).astype(np.float32)
    pixels = np.array(grid.size[::-1], np.float32)
    size = raw[:, 2:] * raw[:, 2:] if grid.square else raw[:, 2:]
    return corners((corner + raw[:, :2]) / np.float32(grid.side) * pixels, size * pixels)
