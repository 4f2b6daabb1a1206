"""CPU twin of roi_pool: the bins of all boxes as whole numbers, then their maxima."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available
from edgecv.ops.roi_pool import FAR, RoiBins

Array = npt.NDArray[Any]


def roi_pool(feature: Array, boxes: Array, bins: RoiBins) -> Array:
    """See `edgecv.ops.roi_pool`; the arguments are checked there."""
    pooled = np.zeros((len(boxes), len(feature), *bins.size), np.float32)
    rows, columns = edges(boxes, bins, feature.shape[1:])
    if jit_available():
        from edgecv.ops.roi_pool.loops import pool

        pool(np.ascontiguousarray(feature), rows, columns, pooled)
        return pooled
    clean = np.where(np.isnan(feature), -np.inf, feature)
    for k, i, j in np.ndindex(len(boxes), *bins.size):
        (top, bottom), (left, right) = rows[k, i], columns[k, j]
        if top < bottom and left < right:
            best = clean[:, top:bottom, left:right].max(axis=(1, 2))
            pooled[k, :, i, j] = np.where(best == -np.inf, 0, best)
    return pooled


def edges(boxes: Array, bins: RoiBins, cells: tuple[int, ...]) -> tuple[Array, Array]:
    """First and past-the-last row and column of each bin: (K, rows, 2), (K, columns, 2) int64."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = boxes * np.float32(bins.scale)
    finite = np.asarray(np.isfinite(scaled).all(axis=1))
    scaled = np.clip(np.where(finite[:, None], scaled, np.float32(0)), -FAR, FAR)
    whole = np.trunc(scaled)
    whole += np.sign(scaled) * (np.abs(scaled - whole) >= 0.5)
    corner = whole.astype(np.int64)
    both = []
    for axis, count, limit in ((1, bins.size[0], cells[0]), (0, bins.size[1], cells[1])):
        start = corner[:, axis, None]
        length = np.maximum(corner[:, axis + 2, None] - start + 1, 1)
        i = np.arange(count)
        span = np.stack([i * length // count, -(-(i + 1) * length // count)], axis=2)
        both.append(np.clip(span + start[:, :, None], 0, limit) * finite[:, None, None])
    return both[0], both[1]
