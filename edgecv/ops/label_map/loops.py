"""Compiled loops of label_map, imported only where numba is; `cpu.plain` gives the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit

Array = npt.NDArray[Any]

SLACK = np.float32(2.0**-18)  # two interpolations round by less than 2^-20 of the largest score
HUGE = np.float32(1e38)  # beyond it a difference may overflow: such a class is always computed
INF = np.float32(np.inf)


@jit
def _bounds(logits: Array, rows: tuple[int, int], least: Array, most: Array) -> None:
    """Smaller and larger score of every class in two rows; -inf and inf where they say nothing."""
    for c in range(len(logits)):
        above, below = logits[c, rows[0]], logits[c, rows[1]]
        for x in range(len(above)):
            a, b = above[x], below[x]
            finite = abs(a) <= HUGE and abs(b) <= HUGE
            least[c, x] = min(a, b) if finite else -INF
            most[c, x] = max(a, b) if finite else INF


@jit
def _bars(least: Array, most: Array, columns: Array, bars: Array) -> None:
    """What the best class of each cell reaches everywhere in it."""
    bars[:] = -INF
    for c in range(len(least)):
        for k in range(len(columns)):
            left, right = columns[k, 0], columns[k, 1]
            low = min(least[c, left], least[c, right])
            size = max(-low, max(most[c, left], most[c, right]))
            if size <= HUGE:
                bars[k] = max(bars[k], low - SLACK * size)


@jit
def by_cells(
    logits: Array, rows: Array, columns: Array, down: Array, across: Array, out: Array
) -> None:
    """Labels of all cells, of few classes each: for outputs much larger than the scores.

    Args:
        logits: (C, h, w) float32.
        rows: (R, 4) int32, runs of output rows between the same two source rows: these, the first
            and one past the last.
        columns: (K, 4) likewise.
        down: (H,) float32 fractions of the output rows.
        across: (W,) likewise of the columns.
        out: (H, W) uint8.
    """
    classes, _, width = logits.shape
    least, most = np.empty((classes, width), np.float32), np.empty((classes, width), np.float32)
    bars = np.empty(len(columns), np.float32)
    able = np.empty(classes, np.int32)
    for r in range(len(rows)):
        upper, lower, top, bottom = rows[r]
        _bounds(logits, (upper, lower), least, most)
        _bars(least, most, columns, bars)
        for k in range(len(columns)):
            left, right, start, end = columns[k]
            count = 0
            for c in range(classes):
                high = max(most[c, left], most[c, right])
                size = max(high, -min(least[c, left], least[c, right]))
                if not size <= HUGE or high + SLACK * size >= bars[k]:
                    able[count] = c
                    count += 1
            if count == 1:
                out[top:bottom, start:end] = able[0]
                continue
            corners = (upper, lower, left, right)
            for y in range(top, bottom):
                line = out[y, start:end]
                _pixels(logits, able[:count], corners, down[y], across[start:end], line)


@jit
def _pixels(
    logits: Array,
    able: Array,
    corners: tuple[int, int, int, int],
    fy: np.float32,
    across: Array,
    out: Array,
) -> None:
    """Labels of one line of a cell, among the classes that can win."""
    upper, lower, left, right = corners
    best = np.full(len(across), -INF, np.float32)
    out[:] = 0
    for c in able:
        a, b = logits[c, upper, left], logits[c, upper, right]
        first = a + fy * (logits[c, lower, left] - a)
        second = b + fy * (logits[c, lower, right] - b)
        step = second - first
        for x in range(len(across)):
            value = first + across[x] * step
            if value > best[x]:
                best[x] = value
                out[x] = c


@jit
def by_rows(
    logits: Array,
    rows: tuple[Array, Array, Array],
    columns: tuple[Array, Array, Array],
    out: Array,
) -> None:
    """Labels line by line, all classes: for outputs about as small as the scores.

    Args:
        logits: (C, h, w) float32.
        rows: (H,) upper and lower source row and fraction, as `label_map.taps`.
        columns: (W,) likewise.
        out: (H, W) uint8.
    """
    upper, lower, down = rows
    left, right, across = columns
    classes, _, width = logits.shape
    height, length = out.shape
    line, best = np.empty(width, np.float32), np.empty(length, np.float32)
    for y in range(height):
        best[:] = -INF
        out[y] = 0
        for c in range(classes):
            above, below, fy = logits[c, upper[y]], logits[c, lower[y]], down[y]
            for x in range(width):
                line[x] = above[x] + fy * (below[x] - above[x])
            for x in range(length):
                first = line[left[x]]
                value = first + across[x] * (line[right[x]] - first)
                if value > best[x]:
                    best[x] = value
                    out[y, x] = c
