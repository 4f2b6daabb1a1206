"""Compiled loops of match; imported only where numba is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit

Array = npt.NDArray[Any]


@jit
def neighbours(
    dots: Array,
    norms: tuple[Array, Array],
    start: int,
    of_rows: tuple[Array, Array, Array],
    of_columns: tuple[Array, Array],
) -> None:
    """Take a tile of dot products, rows from `start` on, into the nearest: one pass over it.

    The conditions are rarely true, and NaN makes all of them false.

    Args:
        dots: (n, M) float32 dot products of n descriptors with all M.
        norms: (n,) and (M,) float32 squared lengths.
        start: Number of the tile's first row.
        of_rows: (n,) of each row the nearest column, its squared distance and the second's.
        of_columns: (M,) of each column the nearest row so far, and its squared distance.
    """
    norms_a, norms_b = norms
    index, best, rival = of_rows
    row, best_of_column = of_columns
    zero, two = np.float32(0), np.float32(2)
    for i in range(len(norms_a)):
        nearest, second, at = np.float32(np.inf), np.float32(np.inf), -1
        for j in range(len(norms_b)):
            squared = (norms_a[i] + norms_b[j]) - two * dots[i, j]
            if squared < zero:
                squared = zero
            if squared < second:
                if squared < nearest:
                    second, nearest, at = nearest, squared, j
                else:
                    second = squared
            if squared < best_of_column[j]:
                best_of_column[j] = squared
                row[j] = i + start
        best[i], rival[i], index[i] = nearest, second, at
