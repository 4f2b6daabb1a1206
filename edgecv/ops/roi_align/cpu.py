"""CPU twin of roi_align: the samples of a box as two tables, one per axis, then their sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available
from edgecv.ops.roi_align import MAX_SAMPLES, RoiGrid, fpn_levels

Array = npt.NDArray[Any]

F = np.float32


def roi_align(features: Sequence[Array], boxes: Array, grid: RoiGrid) -> Array:
    """See `edgecv.ops.roi_align`; the arguments are checked there."""
    pooled = np.zeros((len(boxes), len(features[0]), *grid.size), np.float32)
    levels = fpn_levels(boxes, grid)
    for level, feature in enumerate(features):
        index = np.flatnonzero(levels == level)
        if not len(index) or not feature.size:
            continue
        if jit_available():
            from edgecv.ops.roi_align.loops import pool

            how = (F(grid.scales[level]), grid.aligned, grid.sampling)
            pool(np.ascontiguousarray(feature), boxes, index, how, pooled)
        else:
            for k in index:
                pooled[k] = _pooled(feature, boxes[k], grid, level)
    return pooled


def _pooled(feature: Array, box: Array, grid: RoiGrid, level: int) -> Array:
    """One box: (C, *grid.size) (numpy form)."""
    _, height, width = feature.shape
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = box * F(grid.scales[level]) - F(0.5 if grid.aligned else 0)
        y = axis(scaled[1], scaled[3], grid.size[0], height, grid)
        x = axis(scaled[0], scaled[2], grid.size[1], width, grid)
    total = np.zeros((len(feature), *grid.size), np.float32)
    ny, nx = y[0].shape[1], x[0].shape[1]
    for i in range(ny):
        top, bottom, below, above = (part[:, i, None] for part in y)
        for j in range(nx):
            left, right, after, before = (part[None, :, j] for part in x)
            value = above * before * feature[:, top, left]
            value += above * after * feature[:, top, right]
            value += below * before * feature[:, bottom, left]
            value += below * after * feature[:, bottom, right]
            inside = (above + below > 0) & (before + after > 0)
            total += np.where(inside, value, F(0))
    return total / F(max(ny * nx, 1))


def axis(start: Any, end: Any, bins: int, cells: int, grid: RoiGrid) -> tuple[Array, ...]:
    """Samples along one axis: lower cell, upper cell, and the weights of upper and lower.

    Args:
        start: Where the box begins, in cells.
        end: Where it ends.
        bins: Bins along this axis.
        cells: Size of the map along it.
        grid: Its `aligned` and `sampling`.

    Returns:
        Four (bins, samples) arrays; both weights are zero where a sample lies outside.
    """
    length = end - start
    if not grid.aligned:
        length = np.maximum(length, F(1))  # NaN stays NaN
    size = length / F(bins)
    samples = grid.sampling
    if samples == 0:
        samples = int(min(max(np.ceil(size), 0), MAX_SAMPLES)) if np.isfinite(size) else 0
    steps = (np.arange(samples, dtype=np.float32) + F(0.5)) * size / F(max(samples, 1))
    at = (start + np.arange(bins, dtype=np.float32) * size)[:, None] + steps
    outside = ~((at >= -1) & (at <= cells))
    at = np.where(outside | (at <= 0), F(0), at)
    low = at.astype(np.int64)
    last = low >= cells - 1
    low[last] = cells - 1
    upper = np.where(last, F(0), at - low.astype(np.float32))
    lower = np.where(outside, F(0), F(1) - upper)
    return low, np.minimum(low + 1, cells - 1), np.where(outside, F(0), upper), lower
