"""CPU twin of peaks: threshold first, then compare the few survivors with their neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available
from edgecv.ops.topk.cpu import topk

Array = npt.NDArray[Any]

_MANY = 64  # above one cell in so many, looking at all of them is faster
_AROUND = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]


def peaks(maps: Array, threshold: float, k: int) -> tuple[Array, int]:
    """See `edgecv.ops.peaks`; the arguments are checked there."""
    maps = np.ascontiguousarray(maps)
    flat = maps.reshape(-1)
    limit = np.float32(threshold)
    above = flat >= limit
    if not jit_available():
        index = keep_peaks(maps, np.flatnonzero(above))
    else:
        from edgecv.ops.peaks import loops

        many = np.count_nonzero(above) * _MANY > len(flat)
        index = (
            loops.all_peaks(maps, limit) if many else loops.keep_peaks(maps, np.flatnonzero(above))
        )
    return index[topk(flat[index], k)], max(0, len(index) - k)


def keep_peaks(maps: Array, index: Array) -> Array:
    """Those of the flat indices that are peaks of (C, h, w) `maps` (numpy form)."""
    height, width = maps.shape[1:]
    flat = maps.reshape(-1)
    value = flat[index]
    y, x = (index // width) % height, index % width
    peak = np.ones(len(index), bool)
    for dy, dx in _AROUND:
        inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
        neighbour = flat[np.where(inside, index + dy * width + dx, index)]
        earlier = (dy, dx) < (0, 0)  # a neighbour of lower index wins ties
        beaten = neighbour >= value if earlier else neighbour > value
        peak &= ~(beaten & inside)
    return index[peak]
