"""Compiled loops of conv_crf; imported only where numba is."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit
from edgecv.ops.dense_crf.step import Octets, softmax

Array = npt.NDArray[Any]

_ONE = np.float32(1)
_BLOCK = 32  # pixels whose rows stay in the first-level cache


class Place(NamedTuple):
    """Where pixels lie among cells: two `enlarge_table`s, the cell of each row and column."""

    rows: Array
    down: Array
    columns: Array
    across: Array
    cell_y: Array
    cell_x: Array
    rate: np.float32


@jit
def listen(cells: Array, weights: Array, side: int, heard: Array, octets: Octets) -> None:
    """See `cpu.messages`.

    Args:
        cells: Zeros around the (h, w) cells, the first at (side / 2, side / 2); at least
            (h + side, w + side + T, P).
        weights: (h, w, side, T), the window of each cell by rows of T >= side, a multiple of
            four, the rest 0: four at a time make a loop long enough to vectorise.
        side: Of the window.
        heard: (h, w, P) the result.
        octets: P / 8 zeros.
    """
    height, width, _ = heard.shape
    total = np.empty(8 * len(octets), np.float32)
    for y in range(height):
        for x in range(width):
            total[:] = np.float32(0)
            for v in range(side):
                near = weights[y, x, v]
                for u in range(0, len(near), 4):
                    p, q, r, s = near[u], near[u + 1], near[u + 2], near[u + 3]
                    a, b = cells[y + v, x + u], cells[y + v, x + u + 1]
                    c, d = cells[y + v, x + u + 2], cells[y + v, x + u + 3]
                    for k in range(8 * len(octets)):
                        total[k] = ((total[k] + p * a[k]) + q * b[k] + r * c[k]) + s * d[k]
            heard[y, x] = total


@jit
def update(
    rows: Array, heard: Array, place: Place, sums: Array, last: bool, octets: Octets
) -> None:
    """One update of all pixels: Q is summed into the cells' `sums`, or the last one into `rows`."""
    height, width, padded = len(place.rows), len(place.columns), 8 * len(octets)
    line = np.empty((heard.shape[1], padded), np.float32)
    x, power = np.empty((_BLOCK, padded), np.float32), np.empty(_BLOCK * padded, np.int32)
    keep = _ONE - place.rate
    for y in range(height):
        blend(heard[place.rows[y, 0]], heard[place.rows[y, 1]], place.down[y], line)
        for start in range(0, width, _BLOCK):
            now = x[: min(_BLOCK, width - start)]
            for i in range(len(now)):
                own, row = rows[y * width + start + i], now[i]
                a, b = line[place.columns[start + i, 0]], line[place.columns[start + i, 1]]
                q = place.across[start + i]
                p = _ONE - q
                for k in range(8 * len(octets)):
                    row[k] = keep * own[k] + place.rate * (p * a[k] + q * b[k])
            softmax(now, power[: now.size], octets)
            if last:
                rows[y * width + start : y * width + start + len(now)] = now
                continue
            for i in range(len(now)):
                into, row = sums[place.cell_y[y], place.cell_x[start + i]], now[i]
                for k in range(8 * len(octets)):
                    into[k] += row[k]


@jit
def blend(first: Array, second: Array, share: np.float32, line: Array) -> None:
    """(1 - share) * first + share * second, (w, P)."""
    rest = _ONE - share
    a, b, out = first.reshape(-1), second.reshape(-1), line.reshape(-1)
    for k in range(len(out)):
        out[k] = rest * a[k] + share * b[k]
