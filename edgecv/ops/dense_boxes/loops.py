"""Compiled loops of dense_boxes; imported only where numba is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit

Array = npt.NDArray[Any]


@jit
def at_points(values: Array, index: Array, points: int) -> tuple[Array, Array, Array]:
    """Point, class and score of what rising indices name.

    Args:
        values: (C * points,) float32 scores, class by class.
        index: (N,) int64, rising.
        points: Points of a class.

    Returns:
        (N,) int64 points, (N,) int64 classes, (N,) float32 scores.
    """
    point, ids = np.empty(len(index), np.int64), np.empty(len(index), np.int64)
    value = np.empty(len(index), np.float32)
    for i in range(len(index)):
        ids[i] = index[i] // points
        point[i] = index[i] - ids[i] * points
        value[i] = values[index[i]]
    return point, ids, value


@jit
def best_at_points(values: Array, index: Array, points: int) -> tuple[Array, Array, Array]:
    """As `at_points`, but only the best class of each point, by point; of equal ones the lower."""
    best = np.full(points, -1, np.int64)
    count = 0
    for at in index:  # rising: classes rise
        here = at % points
        if best[here] < 0:
            count += 1
            best[here] = at
        elif values[at] > values[best[here]]:
            best[here] = at
    point, ids = np.empty(count, np.int64), np.empty(count, np.int64)
    value = np.empty(count, np.float32)
    n = 0
    for here in range(points):
        if best[here] >= 0:
            point[n], ids[n], value[n] = here, best[here] // points, values[best[here]]
            n += 1
    return point, ids, value


@jit
def boxes_at(table: Array, point: Array, xyxy: bool) -> Array:
    """(K, 4) float32 xyxy of the boxes in the first four rows of (values, A) `table`.

    Args:
        table: Its rows are x, y, w, h of a centre and its size, or with `xyxy` corners.
        point: (K,) int64 columns.
        xyxy: What the rows are.
    """
    boxes = np.empty((len(point), 4), np.float32)
    half = np.float32(0.5)
    for i in range(len(point)):
        at = point[i]
        x, y, w, h = table[0, at], table[1, at], table[2, at], table[3, at]
        if xyxy:
            boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = x, y, w, h
        else:
            boxes[i, 0], boxes[i, 1] = x - w * half, y - h * half
            boxes[i, 2], boxes[i, 3] = x + w * half, y + h * half
    return boxes
