"""Compiled loops of paf; imported only where numba is. The same bits as the forms in `cpu`."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit
from edgecv.ops.paf import FAINT, LEAST, PEAKS, SAMPLES, assembly

Array = npt.NDArray[Any]

assemble = jit(assembly.assemble)
select = jit(assembly.select)

_FAINT, _LEAST = np.float32(FAINT), np.float32(LEAST)
_TINY = np.finfo(np.float32).tiny
_LAST = np.float32(SAMPLES - 1)
_ZERO, _HALF, _ONE, _SHORT = np.float32(0), np.float32(0.5), np.float32(1), np.float32(1e-6)


@jit
def _is_peak(maps: Array, k: int, y: int, x: int) -> bool:
    """Whether a cell is the maximum of its 3x3, a lower index winning ties."""
    _, height, width = maps.shape
    value = maps[k, y, x]
    for v in range(max(0, y - 1), min(height, y + 2)):
        for u in range(max(0, x - 1), min(width, x + 2)):
            other = maps[k, v, u]
            if other > value or (other == value and (v, u) < (y, x)):
                return False
    return True


@jit
def _parabola(before: np.float32, value: np.float32, after: np.float32) -> tuple[float, float]:
    """Step to, and rise of the logarithm at, the peak along one axis."""
    floor = _FAINT * value
    middle = log(np.float64(value))
    left = log(np.float64(before if before > floor else floor))
    right = log(np.float64(after if after > floor else floor))
    curve = (left - middle) + (right - middle)
    if not curve < 0:
        return 0.0, 0.0
    return 0.5 * (left - right) / curve, -0.125 * (left - right) * (left - right) / curve


@jit
def find_peaks(maps: Array, least: np.float32) -> tuple[Array, Array, Array, int]:
    """See `edgecv.ops.paf.cpu.find_peaks`."""
    count, height, width = maps.shape
    places = np.zeros((count, PEAKS, 2), np.float32)
    scores = np.zeros((count, PEAKS), np.float32)
    counts = np.zeros(count, np.int32)
    found = np.empty(((height + 1) // 2 * ((width + 1) // 2), 3), np.float32)
    faintest = max(least * _LEAST, _TINY)
    dropped = 0
    for k in range(count):
        n = 0
        for y in range(height):
            for x in range(width):
                value = maps[k, y, x]
                if not value >= faintest or not _is_peak(maps, k, y, x):
                    continue
                step_x, rise_x, step_y, rise_y = 0.0, 0.0, 0.0, 0.0
                if 0 < x < width - 1:
                    step_x, rise_x = _parabola(maps[k, y, x - 1], value, maps[k, y, x + 1])
                if 0 < y < height - 1:
                    step_y, rise_y = _parabola(maps[k, y - 1, x], value, maps[k, y + 1, x])
                score = np.float32(np.float64(value) * exp(rise_x + rise_y))
                if score >= least:
                    found[n, 0], found[n, 1], found[n, 2] = x + step_x, y + step_y, score
                    n += 1
        order = np.argsort(-found[:n, 2], kind="mergesort")[:PEAKS]
        for row in range(len(order)):
            places[k, row] = found[order[row], :2]
            scores[k, row] = found[order[row], 2]
        counts[k] = len(order)
        dropped += n - len(order)
    return places, scores, counts, dropped


@jit
def _sample(field: Array, x: np.float32, y: np.float32) -> np.float32:
    """Bilinear value of (h, w) `field` at (x, y), inside it."""
    u, v = int(x), int(y)
    right, below = min(u + 1, field.shape[1] - 1), min(v + 1, field.shape[0] - 1)
    fx, fy = x - np.float32(u), y - np.float32(v)
    upper = (_ONE - fx) * field[v, u] + fx * field[v, right]
    lower = (_ONE - fx) * field[below, u] + fx * field[below, right]
    value: np.float32 = (_ONE - fy) * upper + fy * lower
    return value


@jit
def _affinity(
    along_x: Array, along_y: Array, start: Array, end: Array, affinity: np.float32, needed: int
) -> np.float32:
    """Score of one limb; 0 if it is refused."""
    height, width = along_x.shape
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = np.float32(sqrt(dx * dx + dy * dy))
    if not length > _SHORT:
        return _ZERO
    ux, uy = dx / length, dy / length
    total, hits = _ZERO, 0
    for i in range(SAMPLES):
        if hits + SAMPLES - i < needed:
            return _ZERO
        part = np.float32(i) / _LAST
        x = min(max(start[0] + dx * part, _ZERO), np.float32(width - 1))
        y = min(max(start[1] + dy * part, _ZERO), np.float32(height - 1))
        along = _sample(along_x, x, y) * ux + _sample(along_y, x, y) * uy
        if along > affinity:
            total += along
            hits += 1
    if hits < needed:
        return _ZERO
    score = total / np.float32(hits) + min(_HALF * np.float32(height) / length - _ONE, _ZERO)
    return score if score > 0 else _ZERO


@jit
def connect(
    fields: Array,
    peaks: tuple[Array, Array],
    limbs: Array,
    channels: Array,
    affinity: np.float32,
    needed: int,
) -> tuple[Array, Array, Array]:
    """See `edgecv.ops.paf.cpu.connect`; `peaks` are places and counts."""
    places, counts = peaks
    pairs = np.zeros((len(limbs), PEAKS, 2), np.int32)
    scores = np.zeros((len(limbs), PEAKS), np.float32)
    found = np.zeros(len(limbs), np.int32)
    value = np.empty(PEAKS * PEAKS, np.float32)
    which = np.empty(PEAKS * PEAKS, np.int32)
    for i in range(len(limbs)):
        a, b = limbs[i, 0], limbs[i, 1]
        along_x, along_y = fields[channels[i, 0]], fields[channels[i, 1]]
        n = 0
        for m in range(counts[a]):
            for k in range(counts[b]):
                score = _affinity(along_x, along_y, places[a, m], places[b, k], affinity, needed)
                if score > 0:
                    value[n], which[n] = score, m * PEAKS + k
                    n += 1
        used_a, used_b = np.zeros(PEAKS, np.bool_), np.zeros(PEAKS, np.bool_)
        for row in np.argsort(-value[:n], kind="mergesort"):
            m, k = which[row] // PEAKS, which[row] % PEAKS
            if used_a[m] or used_b[k]:
                continue
            used_a[m] = used_b[k] = True
            pairs[i, found[i], 0], pairs[i, found[i], 1] = m, k
            scores[i, found[i]] = value[row]
            found[i] += 1
    return pairs, scores, found
