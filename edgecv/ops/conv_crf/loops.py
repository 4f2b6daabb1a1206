"""Compiled loops of conv_crf; imported only where numba is."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit
from edgecv.ops.dense_crf.step import Octets, exponential, softmax

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
def weigh(features: Array, kinds: tuple[np.float32, np.float32], side: int, weights: Array) -> None:
    """See `cpu.weights_of`: (h, w, 5) features and the two weights, laid out as `listen` reads."""
    height, width, _ = features.shape
    taps, reach, half, far = weights.shape[3], side // 2, np.float32(-0.5), np.float32(-1e30)
    place, color = np.empty((2, side * taps), np.float32)
    power = np.empty(side * taps, np.int32)
    for y in range(height):
        for x in range(width):
            place[:] = far
            color[:] = far
            own = features[y, x]
            for v in range(max(0, y - reach), min(height, y + reach + 1)):
                at = (v - y + reach) * taps + reach - x
                for u in range(max(0, x - reach), min(width, x + reach + 1)):
                    other = features[v, u]
                    p, q = other[0] - own[0], other[1] - own[1]
                    r, s, t = other[2] - own[2], other[3] - own[3], other[4] - own[4]
                    place[at + u] = (p * p + q * q) * half
                    color[at + u] = ((r * r + s * s) + t * t) * half
            exponential(place, power)
            exponential(color, power)
            into = weights[y, x].reshape(-1)
            for k in range(len(into)):
                into[k] = kinds[0] * place[k] + kinds[1] * color[k]


@jit
def gather(x: Array, cells: Array, sums: Array, octets: Octets) -> None:
    """Add rows to their cells' sums, in order; four of one cell at a time where there are.

    Args:
        x: (n, P) float32 rows.
        cells: (n,) or more: the column of each row's cell, not falling.
        sums: (w, P) float32 of one line of cells.
        octets: P / 8 zeros.
    """
    i = 0
    while i < len(x):
        into, a = sums[cells[i]], x[i]
        if i + 3 < len(x) and cells[i + 3] == cells[i]:
            b, c, d = x[i + 1], x[i + 2], x[i + 3]
            for k in range(8 * len(octets)):
                into[k] = (((into[k] + a[k]) + b[k]) + c[k]) + d[k]
            i += 4
        else:
            for k in range(8 * len(octets)):
                into[k] += a[k]
            i += 1


@jit
def gather_all(rows: Array, place: Place, sums: Array, octets: Octets) -> None:
    """`gather` of all (N, P) rows."""
    width = len(place.columns)
    for y in range(len(place.rows)):
        line = rows[y * width : (y + 1) * width]
        gather(line, place.cell_x, sums[place.cell_y[y]], octets)


@jit
def update(
    rows: Array, heard: Array, place: Place, sums: Array, last: bool, octets: Octets
) -> None:
    """One update of all pixels: Q is summed into the cells' `sums`, or the last one into `rows`.

    Args:
        rows: (N, P) float32 logits.
        heard: (h, w, P) messages.
        place: Where pixels lie among cells.
        sums: (h, w, P), zeros before; unused by the last update.
        last: Whether Q replaces the logits.
        octets: P / 8 zeros.
    """
    height, width, padded = len(place.rows), len(place.columns), 8 * len(octets)
    x, power = np.empty((_BLOCK, padded), np.float32), np.empty(_BLOCK * padded, np.int32)
    for y in range(height):
        for start in range(0, width, _BLOCK):
            now = x[: min(_BLOCK, width - start)]
            mix(rows[y * width + start :], heard, place, (y, start), now, octets)
            softmax(now, power[: now.size], octets)
            if last:
                rows[y * width + start : y * width + start + len(now)] = now
            else:
                gather(now, place.cell_x[start:], sums[place.cell_y[y]], octets)


@jit
def mix(
    rows: Array, heard: Array, place: Place, at: tuple[int, int], x: Array, octets: Octets
) -> None:
    """Logits (n, P) and enlarged messages of n pixels of a row, from `at` = y, x on, into `x`."""
    upper, lower = heard[place.rows[at[0], 0]], heard[place.rows[at[0], 1]]
    down, rate = place.down[at[0]], place.rate
    up, keep = _ONE - down, _ONE - rate
    for i in range(len(x)):
        own, row = rows[i], x[i]
        left, right = place.columns[at[1] + i, 0], place.columns[at[1] + i, 1]
        a, b, c, d = upper[left], lower[left], upper[right], lower[right]
        after = place.across[at[1] + i]
        before = _ONE - after
        for k in range(8 * len(octets)):
            heard_here = before * (up * a[k] + down * b[k]) + after * (up * c[k] + down * d[k])
            row[k] = keep * own[k] + rate * heard_here
