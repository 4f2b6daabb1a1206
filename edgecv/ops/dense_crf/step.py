"""Compiled mean field, once for each padded number of labels: loops of known length vectorise.

A pixel's row of labels never leaves the first-level cache: both lattices are sliced, the softmax
taken and the result splatted for the next iteration, 32 pixels at a time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit
from edgecv.ops.dense_crf.arithmetic import LN_2_HIGH, LN_2_LOW, LOG2_E, LOWEST, POLYNOMIAL

Array = npt.NDArray[Any]
Octets = tuple[int, ...]  # as many zeros as a row has groups of eight: a length numba compiles in

BLOCK = 32  # pixels
_P0, _P1, _P2, _P3, _P4, _P5 = POLYNOMIAL
_ONE, _HALF = np.float32(1), np.float32(0.5)


class Term(NamedTuple):
    """One kernel within a step.

    `offsets`, `weights`: of its lattice. `values` (M + 1, P) blurred, what is sliced; `sums`
    (M + 1, P) what the next iteration blurs. `gain` 0: the kernel is left out.
    """

    offsets: Array
    weights: Array
    values: Array
    sums: Array
    gain: np.float32


@jit
def greater(a: np.float32, b: np.float32) -> np.float32:
    """The larger of two numbers, without the care for NaN that keeps loops from vectorising."""
    return a if a > b else b


@jit
def exponential(x: Array, power: Array) -> None:
    """See `arithmetic.exponential`, in place; `power` (len(x),) int32 is scratch."""
    for k in range(len(x)):
        z = greater(x[k], LOWEST)
        whole = np.rint(z * LOG2_E)
        r = (z - whole * LN_2_HIGH) - whole * LN_2_LOW
        p = _P0 * r + _P1
        p = p * r + _P2
        p = p * r + _P3
        p = p * r + _P4
        p = p * r + _P5
        x[k] = (p * (r * r) + r) + _ONE
        power[k] = (np.int32(whole) + 127) << 23
    scale = power.view(np.float32)
    for k in range(len(x)):
        x[k] *= scale[k]


@jit
def slice2(x: Array, start: int, term: Term, octets: Octets) -> None:
    """Add gain * what the values hold at each pixel's three vertices to (n, P), `start` on."""
    gain = term.gain
    for i in range(len(x)):
        o, w, row = term.offsets[start + i], term.weights[start + i], x[i]
        a, b, c = term.values[o[0]], term.values[o[1]], term.values[o[2]]
        p, q, r = w[0] * gain, w[1] * gain, w[2] * gain
        for k in range(8 * len(octets)):
            row[k] += (p * a[k] + q * b[k]) + r * c[k]


@jit
def slice5(x: Array, start: int, term: Term, octets: Octets) -> None:
    """Add gain * what the values hold at the six vertices of each pixel."""
    gain = term.gain
    for i in range(len(x)):
        o, w, row = term.offsets[start + i], term.weights[start + i], x[i]
        a, b, c = term.values[o[0]], term.values[o[1]], term.values[o[2]]
        d, e, f = term.values[o[3]], term.values[o[4]], term.values[o[5]]
        p, q, r = w[0] * gain, w[1] * gain, w[2] * gain
        s, t, u = w[3] * gain, w[4] * gain, w[5] * gain
        for k in range(8 * len(octets)):
            three = (p * a[k] + q * b[k]) + r * c[k]
            row[k] += ((three + s * d[k]) + t * e[k]) + u * f[k]


@jit
def splat(x: Array, start: int, term: Term, octets: Octets) -> None:
    """Add each pixel's row to the sums of its three or six vertices, three at a time."""
    for i in range(len(x)):
        row = x[i]
        for first in range(0, term.offsets.shape[1], 3):
            o, w = term.offsets[start + i, first:], term.weights[start + i, first:]
            a, b, c = term.sums[o[0]], term.sums[o[1]], term.sums[o[2]]
            p, q, r = w[0], w[1], w[2]
            for k in range(8 * len(octets)):
                value = row[k]
                a[k] += p * value
                b[k] += q * value
                c[k] += r * value


@jit
def blur(values: Array, spare: Array, near: Array, octets: Octets) -> None:
    """Blur (M + 1, P) `values` along all axes; the result is in the last one written."""
    for axis in range(len(near)):
        for v in range(near.shape[2]):
            into, own = spare[v], values[v]
            one, other = values[near[axis, 0, v]], values[near[axis, 1, v]]
            for k in range(8 * len(octets)):
                into[k] = own[k] + _HALF * (one[k] + other[k])
        values, spare = spare, values


@jit
def softmax(x: Array, power: Array, octets: Octets) -> None:
    """See `arithmetic.softmax`, in place; `power` (x.size,) int32 is scratch."""
    for i in range(len(x)):
        row = x[i]
        a, b, c, d, e, f, g, h = row[:8]
        for k in range(8, 8 * len(octets), 8):
            a, b = greater(a, row[k]), greater(b, row[k + 1])
            c, d = greater(c, row[k + 2]), greater(d, row[k + 3])
            e, f = greater(e, row[k + 4]), greater(f, row[k + 5])
            g, h = greater(g, row[k + 6]), greater(h, row[k + 7])
        a, b, c, d = greater(a, e), greater(b, f), greater(c, g), greater(d, h)
        top = greater(greater(a, c), greater(b, d))
        for k in range(8 * len(octets)):
            row[k] -= top
    exponential(x.reshape(-1), power)
    for i in range(len(x)):
        row = x[i]
        a, b, c, d, e, f, g, h = row[:8]
        for k in range(8, 8 * len(octets), 8):
            a, b, c, d = a + row[k], b + row[k + 1], c + row[k + 2], d + row[k + 3]
            e, f, g, h = e + row[k + 4], f + row[k + 5], g + row[k + 6], h + row[k + 7]
        factor = _ONE / (((a + e) + (c + g)) + ((b + f) + (d + h)))
        for k in range(8 * len(octets)):
            row[k] *= factor


@jit
def penalise(x: Array, rows: Array, penalty: Array) -> None:
    """Turn (n, P) messages m into rows - penalty m, in place; `penalty` is (P, P)."""
    message = np.empty(x.shape[1], np.float32)
    for i in range(len(x)):
        message[:] = x[i]
        x[i] = rows[i]
        for label in range(len(penalty)):
            x[i] -= penalty[label] * message[label]


@jit
def step(rows: Array, two: Term, five: Term, penalty: Array, q: Array, octets: Octets) -> None:
    """One update of all pixels.

    Args:
        rows: (N, P) packed logits.
        two: The spatial kernel; its `values` are read, its `sums` added to.
        five: The bilateral kernel.
        penalty: (P, P) compatibility, or (0, P) for Potts.
        q: (N, P) the result; if it has no rows, the result is splatted instead.
        octets: P / 8 zeros.
    """
    width = 8 * len(octets)
    x, power = np.empty((BLOCK, width), np.float32), np.empty(BLOCK * width, np.int32)
    for start in range(0, len(rows), BLOCK):
        end = min(start + BLOCK, len(rows))
        now = x[: end - start]
        now[:] = rows[start:end]
        if len(penalty):
            now[:] = np.float32(0)
        if two.gain > 0:
            slice2(now, start, two, octets)
        if five.gain > 0:
            slice5(now, start, five, octets)
        if len(penalty):
            penalise(now, rows[start:end], penalty)
        softmax(now, power[: now.size], octets)
        if len(q):
            q[start:end] = now
            continue
        if len(two.offsets):
            splat(now, start, two, octets)
        if len(five.offsets):
            splat(now, start, five, octets)
