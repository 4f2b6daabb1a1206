"""CPU twin of match: dot products by numpy's BLAS, a tile of rows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available

Array = npt.NDArray[Any]

_ROWS = 256  # 2 MB of distances at 2048 columns: they stay in the cache


def match(first: Array, second: Array, limits: tuple[float, float]) -> tuple[Array, Array]:
    """See `edgecv.ops.match`; the arguments are checked there."""
    a, b = first.astype(np.float32, copy=False), second.astype(np.float32, copy=False)
    if jit_available():
        from edgecv.ops.match import loops

        neighbours = loops.neighbours
    else:
        neighbours = neighbours_of
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinities match nothing
        nearest = _Nearest(len(a), len(b))
        norms_a, norms_b = np.einsum("nd,nd->n", a, a), np.einsum("nd,nd->n", b, b)
        for start in range(0, len(a), _ROWS):
            rows = slice(start, start + _ROWS)
            dots = a[rows] @ b.T
            of_rows = (nearest.index[rows], nearest.best[rows], nearest.rival[rows])
            of_columns = (nearest.row, nearest.best_of_column)
            neighbours(dots, (norms_a[rows], norms_b), start, of_rows, of_columns)
        ratio, farthest = np.float32(limits[0]), np.float32(limits[1])
        row = np.arange(len(a))
        good = (nearest.index >= 0) & (nearest.row[nearest.index] == row)
        good &= nearest.best <= farthest
        good &= np.isinf(nearest.rival) | np.isinf(ratio) | (nearest.best < ratio * nearest.rival)
    pairs = np.stack([row[good], nearest.index[good]], axis=1)
    return pairs, np.sqrt(nearest.best[good])


class _Nearest:
    """The nearest of each row and of each column so far; squared distances."""

    def __init__(self, rows: int, columns: int) -> None:
        self.index = np.full(rows, -1, np.int64)
        self.best = np.full(rows, np.inf, np.float32)
        self.rival = np.full(rows, np.inf, np.float32)
        self.row = np.full(columns, -1, np.int64)
        self.best_of_column = np.full(columns, np.inf, np.float32)


def neighbours_of(
    dots: Array,
    norms: tuple[Array, Array],
    start: int,
    of_rows: tuple[Array, Array, Array],
    of_columns: tuple[Array, Array],
) -> None:
    """Take a tile of dot products into the nearest (numpy form); see `loops.neighbours`."""
    (norms_a, norms_b), (index, best, rival), (row, best_of_column) = norms, of_rows, of_columns
    squared = np.maximum((norms_a[:, None] + norms_b) - np.float32(2) * dots, np.float32(0))
    squared[~(squared < np.inf)] = np.inf  # NaN too
    at, here = np.argmin(squared, axis=0), np.arange(len(norms_b))
    lowest = squared[at, here]
    better = lowest < best_of_column
    best_of_column[better], row[better] = lowest[better], at[better] + start
    index[:] = np.argmin(squared, axis=1)
    here = np.arange(len(norms_a))
    best[:] = squared[here, index]
    squared[here, index] = np.inf
    rival[:] = squared.min(axis=1)
    index[np.isinf(best)] = -1
