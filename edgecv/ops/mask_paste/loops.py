"""Compiled loop of mask_paste; imported only where numba is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit

Array = npt.NDArray[Any]


@jit
def interpolate(
    padded: Array, low: Array, share: Array, above: Array, part: Array, threshold: np.float32
) -> Array:
    """Bool (len(above), len(low)) of a padded mask; see `edgecv.ops.mask_paste.cpu`.

    Rows rise, so the two mask rows a pixel row lies between are widened once and used again.
    """
    one = np.float32(1)
    inside = np.empty((len(above), len(low)), np.bool_)
    rows = np.empty((2, len(low)), np.float32)
    held = np.full(2, -1)
    for y in range(len(above)):
        for row in (above[y], above[y] + 1):
            if held[row % 2] != row:
                wide, cells = rows[row % 2], padded[row]
                for x in range(len(low)):
                    wide[x] = cells[low[x]] * (one - share[x]) + cells[low[x] + 1] * share[x]
                held[row % 2] = row
        upper, lower = rows[above[y] % 2], rows[(above[y] + 1) % 2]
        v = part[y]
        u = one - v
        for x in range(len(low)):
            inside[y, x] = upper[x] * u + lower[x] * v >= threshold
    return inside
