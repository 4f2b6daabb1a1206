"""Which of very many scores reach a threshold: the first step of every box decoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("survivors", atol=0.0, share=0.0)


def survivors(
    scores: Array, threshold: float, first: int = 0, *, provider: str = "cpu"
) -> tuple[Array, int]:
    """Rising indices of the scores that are at least `threshold`, and how many are NaN.

    One pass over memory; NaN reaches no threshold. The CUDA twin is the threshold of
    `ops.topk.cuda.TopKPlan`.

    Args:
        scores: (R, W) float32, C-contiguous.
        threshold: In the unit of `scores`; may be infinite.
        first: Columns 0..first-1 of each row are not scores (a box before its classes).
        provider: "cpu".

    Returns:
        (K,) int64 indices r * (W - first) + column - first, and the count of NaN.

    Raises:
        ShapeError: `scores` is not (R, W) float32 in C order, or `first` is not in 0..W.
    """
    if scores.ndim != 2 or scores.dtype != np.float32 or not scores.flags.c_contiguous:
        raise ShapeError(
            "scores must be (R, W) float32 in C order", got=f"{scores.shape} {scores.dtype}"
        )
    if not 0 <= first <= scores.shape[1]:
        raise ShapeError("first must be a column", got=first, columns=scores.shape[1])
    found: tuple[Array, int] = OP.on(provider)(scores, np.float32(threshold), first)
    return found
