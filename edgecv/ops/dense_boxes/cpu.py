"""CPU twin of dense_boxes: one pass over the scores, then arrays of the few survivors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._candidates import Candidates, corners
from edgecv.ops._probability import limit_of, sigmoid
from edgecv.ops.dense_boxes import DenseLayout
from edgecv.ops.survivors.cpu import survivors
from edgecv.ops.topk.cpu import topk

Array = npt.NDArray[Any]


def dense_boxes(table: Array, layout: DenseLayout, score: float, k: int) -> Candidates:
    """See `edgecv.ops.dense_boxes`; the arguments are checked there."""
    table = np.ascontiguousarray(table)
    look = _objects if layout.objectness else _classes
    point, ids, value, nan = look(table, layout, limit_of(score, layout.logits), score)
    if not layout.multi_label:
        keep = best_of_each(point, ids, value)
        point, ids, value = point[keep], ids[keep], value[keep]
    best = topk(value, k)
    at = point[best]
    box = table[at, :4] if layout.channels_last else table[:4, at].T
    boxes = np.ascontiguousarray(box) if layout.xyxy else corners(box[:, :2], box[:, 2:])
    value = value[best]
    scores = sigmoid(value) if layout.logits and not layout.objectness else value
    return Candidates(boxes, scores, ids[best], len(point), nan)


def best_of_each(point: Array, ids: Array, value: Array) -> Array:
    """Indices of each point's best score, by point; of equal ones the lower class."""
    order = np.lexsort((ids, -value, point))
    new = np.ones(len(order), bool)
    new[1:] = point[order[1:]] != point[order[:-1]]
    return order[new]


def _classes(
    table: Array, layout: DenseLayout, limit: np.float32, score: float
) -> tuple[Array, Array, Array, int]:
    if layout.channels_last:
        index, nan = survivors(table, limit, 4)
        point, ids = np.divmod(index, table.shape[1] - 4)
        return point, ids, table[point, ids + 4], nan
    scores = table[4:]
    index, nan = survivors(scores, limit, 0)
    ids, point = np.divmod(index, table.shape[1])
    return point, ids, scores.reshape(-1)[index], nan


def _objects(
    table: Array, layout: DenseLayout, limit: np.float32, score: float
) -> tuple[Array, Array, Array, int]:
    """Classes are looked at only where the objectness alone reaches the score."""
    last = layout.channels_last
    objects = table[:, 4] if last else table[4]
    gate = np.flatnonzero(objects >= limit)
    classes = table[gate, 5:] if last else table[5:, gate]
    value = objects[gate]
    if layout.logits:
        classes, value = sigmoid(classes), sigmoid(value)
    scores = np.ascontiguousarray(classes * (value[:, None] if last else value))
    index, nan = survivors(scores, np.float32(score), 0)
    row, column = np.divmod(index, max(1, scores.shape[1]))
    place, ids = (row, column) if last else (column, row)
    nan += int(np.count_nonzero(np.isnan(objects)))
    return gate[place], ids, scores.reshape(-1)[index], nan
