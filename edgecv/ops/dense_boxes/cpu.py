"""CPU twin of dense_boxes: one pass over the scores, then arrays of the few survivors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._candidates import Candidates, Scored, corners, objects_times_classes
from edgecv.ops._jit import jit_available
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
    elif layout.channels_last:
        found = _by_point(table, limit)
    else:
        found = _by_class(table, limit, layout.multi_label)
    if not layout.multi_label and (layout.objectness or layout.channels_last):
        found = found.best_of_each()
    best = found.best(k)
    raw = layout.logits and not layout.objectness
    scores = sigmoid(best.value) if raw else best.value
    boxes = _boxes(table, best.point, layout)
    return Candidates(boxes, scores, best.ids, len(found.point), found.nan)


def _by_point(table: Array, limit: np.float32) -> Scored:
    index, nan = survivors(table, limit, 4)
    point, ids = np.divmod(index, table.shape[1] - 4)
    return Scored(point, ids, table[point, ids + 4], nan)


def _by_class(table: Array, limit: np.float32, multi_label: bool) -> Scored:
    points, scores = table.shape[1], table[4:]
    index, nan = survivors(scores, limit, 0)
    values = scores.reshape(-1)
    if jit_available():
        from edgecv.ops.dense_boxes import loops

        look = loops.at_points if multi_label else loops.best_at_points
        return Scored(*look(values, index, points), nan)
    ids, point = np.divmod(index, points)
    found = Scored(point, ids, values[index], nan)
    return found if multi_label else found.best_of_each()


def _boxes(table: Array, point: Array, layout: DenseLayout) -> Array:
    if layout.channels_last:
        box = table[point, :4]
    elif jit_available():
        from edgecv.ops.dense_boxes import loops

        boxes: Array = loops.boxes_at(table, point, layout.xyxy)
        return boxes
    else:
        box = table[:4, point].T
    return np.ascontiguousarray(box) if layout.xyxy else corners(box[:, :2], box[:, 2:])


def _with_objectness(table: Array, layout: DenseLayout, limit: np.float32, score: float) -> Scored:
    rows = table if layout.channels_last else table.T

    def of(gate: Array) -> tuple[Array, Array]:
        values = rows[gate, 4:]
        values = sigmoid(values) if layout.logits else values
        return values[:, 0], values[:, 1:]

    return objects_times_classes(rows[:, 4], limit, of, score)
