"""CPU twin of cell_scores: numpy, all cells at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops.cell_scores import cell_side

Array = npt.NDArray[Any]


def cell_scores(logits: Array) -> Array:
    """See `edgecv.ops.cell_scores`; the arguments are checked there."""
    channels, height, width = logits.shape
    side = cell_side(channels)
    if 0 in logits.shape:
        return np.zeros((height * side, width * side), np.float32)
    values = logits.astype(np.float32)
    with np.errstate(invalid="ignore"):  # infinities: NaN is what the contract wants
        values -= values.max(axis=0)
        np.exp(values, out=values)
        values /= values.sum(axis=0)
    cells = values[:-1].reshape(side, side, height, width)
    return np.ascontiguousarray(cells.transpose(2, 0, 3, 1)).reshape(height * side, width * side)
