"""CPU twin of topk: partition away what cannot win, then sort the rest, ties by index."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_FEW = 800  # above, packed keys sort faster than a stable argsort


def topk(scores: Array, k: int) -> Array:
    """See `edgecv.ops.topk`; the arguments are checked there."""
    falling = -scores  # ascending order of this is best first; NaN sorts last by itself
    falling[np.isnan(falling)] = np.inf
    if 0 < k < len(scores) // 4:  # a partition pays off, and is not stable: keep all ties
        limit = np.partition(falling, k - 1)[k - 1]
        candidates = np.flatnonzero(falling <= limit)
        return candidates[_order(falling[candidates])[:k]].astype(np.int64)
    return _order(falling)[:k].astype(np.int64)


def _order(values: Array) -> Array:
    """Indices that sort float32 values without NaN, ties by index."""
    if len(values) < _FEW:
        return np.argsort(values, kind="stable")
    bits = (values + np.float32(0)).view(np.int32)  # -0.0 becomes 0.0
    rising = np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits).astype(np.int64)
    keys = rising << 32 | np.arange(len(values))  # all differ: the fastest sort is as good
    keys.sort()
    return keys & 0xFFFFFFFF
