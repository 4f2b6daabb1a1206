"""CPU twin of dense_boxes: one pass over the scores, then arrays of the few survivors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._candidates import Candidates, Scored, corners, objects_times_classes
from edgecv.ops._probability import limit_of, sigmoid
from edgecv.ops.dense_boxes import DenseLayout
from edgecv.ops.survivors.cpu import survivors

Array = npt.NDArray[Any]


def dense_boxes(table: Array, layout: DenseLayout, score: float, k: int) -> Candidates:
    """See `edgecv.ops.dense_boxes`; the arguments are checked there."""
    table = np.ascontiguousarray(table)
    limit = limit_of(score, layout.logits)
    if layout.objectness:
        found = _with_objectness(table, layout, limit, score)
    else:
        found = _classes(table, layout, limit)
    if not layout.multi_label:
        found = found.best_of_each()
    best = found.best(k)
    at = best.point
    box = table[at, :4] if layout.channels_last else table[:4, at].T
    boxes = np.ascontiguousarray(box) if layout.xyxy else corners(box[:, :2], box[:, 2:])
    raw = layout.logits and not layout.objectness
    scores = sigmoid(best.value) if raw else best.value
    return Candidates(boxes, scores, best.ids, len(found.point), found.nan)


def _classes(table: Array, layout: DenseLayout, limit: np.float32) -> Scored:
    if layout.channels_last:
        index, nan = survivors(table, limit, 4)
        point, ids = np.divmod(index, table.shape[1] - 4)
        return Scored(point, ids, table[point, ids + 4], nan)
    scores = table[4:]
    index, nan = survivors(scores, limit, 0)
    ids, point = np.divmod(index, table.shape[1])
    return Scored(point, ids, scores.reshape(-1)[index], nan)


def _with_objectness(table: Array, layout: DenseLayout, limit: np.float32, score: float) -> Scored:
    rows = table if layout.channels_last else table.T

    def of(gate: Array) -> tuple[Array, Array]:
        values = rows[gate, 4:]
        values = sigmoid(values) if layout.logits else values
        return values[:, 0], values[:, 1:]

    return objects_times_classes(rows[:, 4], limit, of, score)
