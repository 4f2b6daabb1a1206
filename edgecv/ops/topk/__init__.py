"""The k best scores, best first, the same on every machine."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("topk", atol=0.0, share=0.0)


def topk(scores: Array, k: int, *, provider: str = "cpu") -> Array:
    """Indices of the k best of `scores`, best first; of equal scores the lower index wins.

    NaN counts as minus infinity: it is chosen last. -0.0 and 0.0 are equal.

    Args:
        scores: (N,) float32.
        k: How many, >= 0; fewer come back where N < k.
        provider: "cpu".

    Returns:
        (min(k, N),) int64.

    Raises:
        ShapeError: `scores` is not (N,) float32, or k is negative.

    >>> topk(np.float32([1, 3, 3, 2]), 3).tolist()
    [1, 2, 3]
    """
    if scores.ndim != 1 or scores.dtype != np.float32:
        raise ShapeError("scores must be (N,) float32", got=f"{scores.shape} {scores.dtype}")
    if k < 0:
        raise ShapeError("k must be >= 0", got=k)
    best: Array = OP.on(provider)(scores, k)
    return best
