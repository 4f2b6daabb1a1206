"""Integral regression: the mean place under the softmax of a map (Sun et al., arXiv:1711.08229).

What every twin must compute, in float32: with m the map's maximum, weights exp(beta * (v - m)),
1 for cells equal to m; x, y (and z) are the weighted means of the cell indices, the score is
1 / (sum of weights), the probability of the highest cell. NaN counts as -inf and has weight 0; a
map without any number, or of -inf only, gives zeros with score 0.

Coordinates are cell indices as in `edgecv.ops.heatmap`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("soft_argmax", atol=1e-3, share=1.0)  # sums in another order, exp of another library

MAX_DIMENSIONS = 3


def soft_argmax(maps: Array, beta: float = 1.0, *, provider: str = "cpu") -> Array:
    """The mean place of each map.

    Args:
        maps: (J, w), (J, h, w) or (J, d, h, w) float32 or float16; a batch is flattened into J.
        beta: Factor of the values before the softmax (1 / temperature), > 0.
        provider: "cpu".

    Returns:
        (J, D + 1) float32: x, or x, y, or x, y, z in cells, then the score.

    Raises:
        ShapeError: `maps` has another rank or type, no cell, or beta is not positive.
    """
    if (
        not 2 <= maps.ndim <= MAX_DIMENSIONS + 1
        or maps.dtype not in (np.float32, np.float16)
        or 0 in maps.shape[1:]
    ):
        raise ShapeError(
            "maps must be (J, w), (J, h, w) or (J, d, h, w) float32 or float16",
            got=f"{maps.shape} {maps.dtype}",
        )
    check_beta(beta)
    found: Array = OP.on(provider)(maps, beta)
    return found


def check_beta(beta: float) -> None:
    """Refuse a factor that is not positive and finite: ShapeError."""
    if not 0 < beta < float("inf"):
        raise ShapeError("beta must be positive and finite", got=beta)
