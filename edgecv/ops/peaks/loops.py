"""Compiled loop of peaks; imported only where numba is."""

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
