"""CPU twin of topk: partition away what cannot win, then sort the rest stably."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def topk(scores: Array, k: int) -> Array:
    """See `edgecv.ops.topk`; the arguments are checked there."""
    falling = -scores  # ascending order of this is best first; NaN sorts last by itself
    falling[np.isnan(falling)] = np.inf
    if 0 < k < len(scores) // 4:  # a partition pays off, and is not stable: keep all ties
        limit = np.partition(falling, k - 1)[k - 1]
        candidates = np.flatnonzero(falling <= limit)
        order = np.argsort(falling[candidates], kind="stable")
        return candidates[order[:k]].astype(np.int64)
    return np.argsort(falling, kind="stable")[:k].astype(np.int64)
