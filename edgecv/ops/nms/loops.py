"""Compiled loop of nms; imported only where numba is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit

Array = npt.NDArray[Any]

_CHUNK = 256  # enough for a vector loop to pay, few enough to stop early


@jit
def bucket_starts(ids: Array, table: int) -> Array:
    """(C + 1,) starts of buckets of ids 0..C - 1; empty if an id is not in 0..table - 1."""
    top = -1
    for at in ids:
        if at < 0 or at >= table:
            return np.empty(0, np.int64)
        top = max(top, at)
    starts = np.zeros(top + 2, np.int64)
    for at in ids:
        starts[at + 1] += 1
    for c in range(top + 1):
        starts[c + 1] += starts[c]
    return starts


@jit
def _overlaps(
    kept: tuple[Array, ...], box: tuple[np.float32, ...], area: np.float32, iou: np.float32
) -> np.int32:
    """How many kept boxes overlap `box` too much: no branch, and selects that vectorise."""
    left, top, right, bottom, size = kept
    x0, y0, x1, y1 = box
    zero = np.float32(0)
    hits = np.int32(0)
    for j in range(len(left)):
        right_end = right[j] if right[j] < x1 else x1
        left_end = left[j] if left[j] > x0 else x0
        low_end = bottom[j] if bottom[j] < y1 else y1
        high_end = top[j] if top[j] > y0 else y0
        width, height = right_end - left_end, low_end - high_end
        width = width if width > zero else zero
        height = height if height > zero else zero
        common = width * height
        limit = iou * ((size[j] + area) - common)
        hits = np.int32(hits + np.int32((common > zero) & (common > limit)))
    return hits


@jit
def greedy(boxes: Array, classes: Array, starts: Array, iou: np.float32, limit: int) -> Array:
    """Compare each box with those kept of its class; stop at `limit`. See `edgecv.ops.nms`.

    Kept boxes of a class lie together, and are compared some at a time without a branch, so that
    the comparison vectorises.

    Args:
        boxes: (N, 4) float32, contiguous.
        classes: (N,) int64 in 0..C - 1.
        starts: (C + 1,) int64: where each class has room for all of its boxes.
        iou: See `nms`.
        limit: See `nms`.
    """
    kept = np.empty(min(limit, len(boxes)), np.int64)
    ends = starts.copy()
    left, top = np.empty(len(boxes), np.float32), np.empty(len(boxes), np.float32)
    right, bottom = np.empty(len(boxes), np.float32), np.empty(len(boxes), np.float32)
    size = np.empty(len(boxes), np.float32)
    count = 0
    for i in range(len(boxes)):
        if count == len(kept):
            break
        x0, y0, x1, y1 = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
        area = (x1 - x0) * (y1 - y0)
        end = ends[classes[i]]
        hits = np.int32(0)
        for first in range(starts[classes[i]], end, _CHUNK):
            at = slice(first, min(first + _CHUNK, end))
            kept_boxes = (left[at], top[at], right[at], bottom[at], size[at])
            hits = _overlaps(kept_boxes, (x0, y0, x1, y1), area, iou)
            if hits:
                break
        if hits == 0:
            left[end], top[end], right[end], bottom[end], size[end] = x0, y0, x1, y1, area
            ends[classes[i]] += 1
            kept[count] = i
            count += 1
    return kept[:count]
