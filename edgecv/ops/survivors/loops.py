"""Compiled loop of survivors; imported only where numba is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit

Array = npt.NDArray[Any]


@jit
def survivors_of_rows(rows: Array, threshold: np.float32, first: int) -> tuple[Array, int]:
    """See `edgecv.ops.survivors`.

    The first look at a row has no branch, so that it vectorises: is any value not below the
    threshold? (NaN is not.) Indices count from 0, which keeps numba's wrap-around test out.
    """
    width = rows.shape[1] - first
    found = np.empty(max(4096, width), np.int64)
    n, nan = 0, 0
    for r in range(rows.shape[0]):
        hit = False
        row = rows[r, first:]
        for j in range(width):
            hit = hit | (not (row[j] < threshold))
        if not hit:
            continue
        if n + width > len(found):
            more = np.empty(2 * len(found), np.int64)
            more[:n] = found[:n]
            found = more
        for j in range(width):
            value = row[j]
            if not (value < threshold):
                found[n] = r * width + j  # overwritten by the next if it is NaN
                number = value >= threshold
                n += number
                nan += not number
    return found[:n], nan
