"""Compiled loops of peaks; imported only where numba is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit

Array = npt.NDArray[Any]


@jit
def keep_peaks(maps: Array, index: Array) -> Array:
    """Those of rising flat indices that are peaks of (C, h, w) `maps`; see `edgecv.ops.peaks`."""
    _, height, width = maps.shape
    flat = maps.reshape(-1)
    kept = np.empty(len(index), np.int64)
    n, y, start = 0, 0, -width
    for at in index:
        if at >= start + width:  # indices rise: divide only where a new row begins
            start = at // width * width
            y = at // width % height
        x = at - start
        value = flat[at]
        peak = True
        for v in range(max(0, y - 1), min(height, y + 2)):
            for u in range(max(0, x - 1), min(width, x + 2)):
                other = at + (v - y) * width + (u - x)
                # a neighbour of lower index wins ties
                if flat[other] > value or (other < at and flat[other] == value):
                    peak = False
                    break
            if not peak:
                break
        if peak:
            kept[n] = at
            n += 1
    return kept[:n]


@jit
def all_peaks(maps: Array, threshold: np.float32) -> Array:
    """Rising flat indices of all peaks, for maps with many cells above the threshold.

    Eight comparisons a cell without a branch, so that they vectorise. Cells outside are NaN,
    which hides nothing.
    """
    count, height, width = maps.shape
    kept = np.empty(count * ((height + 1) // 2) * ((width + 1) // 2), np.int64)
    rows = np.full((3, width + 2), np.nan, np.float32)
    peak = np.empty(width, np.bool_)
    n = 0
    for c in range(count):
        rows[0, :] = np.nan
        rows[1, 1:-1] = maps[c, 0]
        for y in range(height):
            above, here, below = rows[y % 3], rows[(y + 1) % 3], rows[(y + 2) % 3]
            if y + 1 < height:
                below[1:-1] = maps[c, y + 1]
            else:
                below[:] = np.nan
            for x in range(width):
                value = here[x + 1]
                peak[x] = (
                    (value >= threshold)
                    & ~(above[x] >= value)
                    & ~(above[x + 1] >= value)
                    & ~(above[x + 2] >= value)
                    & ~(here[x] >= value)
                    & ~(here[x + 2] > value)
                    & ~(below[x] > value)
                    & ~(below[x + 1] > value)
                    & ~(below[x + 2] > value)
                )
            for x in range(width):
                if peak[x]:
                    kept[n] = (c * height + y) * width + x
                    n += 1
    return kept[:n]
