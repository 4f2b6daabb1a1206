"""CPU twin of nms: a compiled greedy loop, or an equal vectorised form without numba."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available

Array = npt.NDArray[Any]

_TILE = 1024  # boxes whose overlaps with each other are held at once (numpy form)
_TABLE = 4096  # class ids below this are looked up, not sorted


def nms(boxes: Array, ids: Array, iou: float, limit: int) -> Array:
    """See `edgecv.ops.nms`; the arguments are checked there."""
    if jit_available():
        from edgecv.ops.nms.loops import bucket_starts, greedy

        starts = bucket_starts(ids, _TABLE)
        if not len(starts):
            ids, starts = unusual_buckets(ids)
        kept: Array = greedy(np.ascontiguousarray(boxes), ids, starts, np.float32(iou), limit)
        return kept
    return tiled(boxes, ids, iou, limit)


def unusual_buckets(ids: Array) -> tuple[Array, Array]:
    """(N,) class ids, negative or large, as int64 0..C - 1; (C + 1,) where their buckets start."""
    _, ids = np.unique(ids, return_inverse=True)
    starts = np.concatenate([[0], np.cumsum(np.bincount(ids))])
    return ids.astype(np.int64), starts.astype(np.int64)


def tiled(boxes: Array, ids: Array, iou: float, limit: int) -> Array:
    """Greedy suppression a tile of candidates at a time, by whole arrays (numpy form)."""
    kept: Array = np.empty(0, np.int64)
    for first in range(0, len(boxes), _TILE):
        index: Array = np.arange(first, min(first + _TILE, len(boxes)))
        for start in range(0, len(kept), _TILE):
            those = kept[start : start + _TILE]
            index = index[~overlaps(boxes, ids, (those, index), iou).any(axis=0)]
        kept = np.concatenate([kept, index[clustered(boxes[index], ids[index], iou)]])
        if len(kept) >= limit:
            break
    return kept[:limit]


def clustered(boxes: Array, ids: Array, iou: float) -> Array:
    """Greedy suppression as a fixed point over the overlap matrix.

    Boxes are (N, 4) xyxy, ids (N,), best first; the answer is (N,) bool. Starting from "all kept",
    a box is kept iff no kept better box suppresses it; after as many rounds as the longest chain of
    suppressions the answer is the greedy one.

    Source: Zheng et al., "Enhancing Geometric Factors", arXiv:2005.03572, Cluster-NMS.
    """
    every = np.arange(len(boxes))
    beats = np.triu(overlaps(boxes, ids, (every, every), iou), 1)
    kept: Array = np.ones(len(boxes), bool)
    while True:
        again: Array = np.logical_not((beats & kept[:, None]).any(axis=0))
        if np.array_equal(again, kept):
            return np.flatnonzero(kept).astype(np.int64)
        kept = again


def overlaps(boxes: Array, ids: Array, pairs: tuple[Array, Array], iou: float) -> Array:
    """(A, B) bool: which boxes of the first indices overlap which of the second too much."""
    (a0, b0, a1, b1), (x0, y0, x1, y1) = boxes[pairs[0]].T[..., None], boxes[pairs[1]].T
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity overlap nothing
        width = np.minimum(a1, x1) - np.maximum(a0, x0)
        height = np.minimum(b1, y1) - np.maximum(b0, y0)
        common = np.maximum(width, np.float32(0)) * np.maximum(height, np.float32(0))
        union = ((a1 - a0) * (b1 - b0) + (x1 - x0) * (y1 - y0)) - common
        much: Array = (common > 0) & (common > np.float32(iou) * union)
    much &= ids[pairs[0]][:, None] == ids[pairs[1]]
    return much
