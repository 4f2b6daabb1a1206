"""CPU twin of soft_argmax: one exponential a cell, and all means as one matrix product."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def soft_argmax(maps: Array, beta: float) -> Array:
    """See `edgecv.ops.soft_argmax`; the arguments are checked there."""
    rows = np.asarray(maps, np.float32).reshape(len(maps), int(np.prod(maps.shape[1:])))
    top = np.fmax.reduce(rows, axis=1)[:, None]
    with np.errstate(invalid="ignore", over="ignore"):
        weights = np.exp(np.float32(beta) * (rows - top))
    if not np.isfinite(weights).all():  # NaN, or a maximum that is infinite
        weights = np.where(np.isnan(rows), 0, np.where(rows == top, 1, weights)).astype(np.float32)
        weights[np.isneginf(top[:, 0]) | np.isnan(top[:, 0])] = 0
    sums = weights @ places(maps.shape[1:])
    total = sums[:, -1:]
    empty = total == 0
    return np.where(
        empty,
        np.float32(0),
        np.append(sums[:, :-1], np.ones_like(total), axis=1)
        / np.where(empty, np.float32(1), total),
    )


@lru_cache(maxsize=16)
def places(shape: tuple[int, ...]) -> Array:
    """(cells, D + 1) float32: x, y, z of each cell, and 1."""
    indices = np.indices(shape, np.float32)[::-1].reshape(len(shape), -1)
    return np.ascontiguousarray(np.append(indices, np.ones((1, indices.shape[1]), np.float32), 0).T)
