"""Compiled loops of dense_crf that do not depend on the number of labels; `cpu.py` has the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit

Array = npt.NDArray[Any]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # multiplicative hashing: 2^64 over the golden ratio
_FIRST_BITS = 17


@jit
def lift(point: Array, scale: Array, lifted: Array) -> None:
    """Place (d,) features on the plane of d + 1 coordinates."""
    total = np.float32(0)
    for j in range(len(point), 0, -1):
        part = point[j - 1] * scale[j - 1]
        lifted[j] = total - np.float32(j) * part
        total += part
    lifted[0] = total


@jit
def embed(features: Array, scale: Array, low: Array, step: Array, weights: Array) -> Array:
    """See `lattice.embed`; of the keys only the one of remainder 0, and the ranks in base 8."""
    n, d = features.shape
    first = np.empty((n, 2), np.int64)
    rise, inverse, one = np.float32(d + 1), np.float32(1 / (d + 1)), np.float32(1)
    lifted, cell, rest = np.empty((3, d + 1), np.float32)
    by_rank = np.empty(d + 1, np.float32)
    rank = np.empty(d + 1, np.int64)
    for i in range(n):
        lift(features[i], scale, lifted)
        excess = 0
        for j in range(d + 1):
            cell[j] = np.rint(lifted[j] * inverse)
            excess += int(cell[j])
            rest[j] = lifted[j] - cell[j] * rise
        rank[:] = excess
        for j in range(d):
            for k in range(j + 1, d + 1):
                less = rest[j] < rest[k]
                rank[j] += less
                rank[k] += not less
        key, code = 0, 0
        for j in range(d + 1):
            if rank[j] < 0:
                rank[j] += d + 1
                cell[j] += one
            elif rank[j] > d:
                rank[j] -= d + 1
                cell[j] -= one
            by_rank[rank[j]] = (lifted[j] - cell[j] * rise) * inverse
            code = code * 8 + rank[j]
            if j < d:
                key += (int(cell[j]) - low[j]) * step[j]
        first[i, 0], first[i, 1] = key, code
        weights[i, 0] = max(by_rank[d] + (one - by_rank[0]), np.float32(0))
        for k in range(1, d + 1):
            weights[i, k] = max(by_rank[d - k] - by_rank[d - k + 1], np.float32(0))
    return first


@jit
def grown(vertices: Array, bits: int) -> tuple[Array, Array]:
    """Room for 2 ** (bits - 1) vertices, and a hash table of 2 ** bits slots that holds these."""
    table = np.full(1 << bits, -1, np.int32)
    wider = np.empty(1 << (bits - 1), np.int64)
    wider[: len(vertices)] = vertices
    for v in range(len(vertices)):
        at = np.int64((np.uint64(vertices[v]) * _GOLDEN) >> np.uint64(64 - bits))
        while table[at] >= 0:
            at = (at + 1) & ((1 << bits) - 1)
        table[at] = v
    return wider, table


@jit
def fill(first: Array, step: Array, room: tuple[Array, Array, int], offsets: Array, i: int) -> Any:
    """Number the vertices of pixels from `i` on; stop before there may be no room.

    `room`: vertices, table, how many vertices there are. Returns that number and the next pixel.
    """
    vertices, table, count = room
    d = len(step) - 1
    shift, mask = np.uint64(64 - int(np.log2(len(table)))), len(table) - 1
    step_of = np.empty(d + 1, np.int64)
    while i < len(first) and count + d < len(vertices):
        key, code = first[i, 0], first[i, 1]
        for j in range(d, -1, -1):
            step_of[code & 7] = step[j]
            code >>= 3
        for k in range(d + 1):
            if k > 0:
                key += 1 - step_of[d - k + 1]
            at = np.int64((np.uint64(key) * _GOLDEN) >> shift)
            while table[at] >= 0 and vertices[table[at]] != key:
                at = (at + 1) & mask
            if table[at] < 0:
                vertices[count] = key
                table[at] = count
                count += 1
            offsets[i, k] = table[at]
        i += 1
    return count, i


@jit
def number(first: Array, step: Array, down: int, offsets: Array) -> Array:
    """Number the vertices as they appear and fill `offsets`; returns their neighbours."""
    bits, count, i = _FIRST_BITS, 0, 0
    vertices, table = grown(np.empty(0, np.int64), bits)
    while True:
        count, i = fill(first, step, (vertices, table, count), offsets, i)
        if i == len(first):
            return neighbours(vertices[:count], table, step, down)
        bits += 1
        vertices, table = grown(vertices[:count], bits)


@jit
def neighbours(vertices: Array, table: Array, step: Array, down: int) -> Array:
    """Blur neighbours (d + 1, 2, M) int32, M where there is none."""
    corners, count = len(step), len(vertices)
    shift, mask = np.uint64(64 - int(np.log2(len(table)))), len(table) - 1
    near = np.full((corners, 2, count), count, np.int32)
    for v in range(count):
        lower = vertices[v] + (-1 if vertices[v] % corners > 0 else down)
        for j in range(corners):
            key = lower + step[j]
            at = np.int64((np.uint64(key) * _GOLDEN) >> shift)
            while table[at] >= 0 and vertices[table[at]] != key:
                at = (at + 1) & mask
            if table[at] >= 0:
                near[j, 0, v] = table[at]
                near[j, 1, table[at]] = v
    return near


@jit
def normalise(offsets: Array, weights: Array, near: Array, gain: np.float32) -> None:
    """Multiply a pixel's weights by 1 / sqrt(filter of ones), as pydensecrf does."""
    n, corners = offsets.shape
    count = near.shape[2]
    tiny, one, half = np.float32(1e-20), np.float32(1), np.float32(0.5)
    values, spare = np.zeros((2, count + 1), np.float32)
    for i in range(n):
        for k in range(corners):
            values[offsets[i, k]] += weights[i, k]
    for axis in range(corners):
        for v in range(count):
            spare[v] = values[v] + half * (values[near[axis, 0, v]] + values[near[axis, 1, v]])
        values, spare = spare, values
    for i in range(n):
        mass = (weights[i, 0] * gain) * values[offsets[i, 0]]
        for k in range(1, corners):
            mass += (weights[i, k] * gain) * values[offsets[i, k]]
        factor = one / np.sqrt(mass + tiny)
        for k in range(corners):
            weights[i, k] *= factor


@jit
def pack(logits: Array, far: np.float32, rows: Array) -> None:
    """See `arithmetic.pack`: (L, N) into (N, P), a tile of pixels at a time."""
    labels, n = logits.shape
    tile = np.empty((labels, 64), np.float32)
    best = np.empty(64, np.float32)
    for start in range(0, n, 64):
        size = min(64, n - start)
        best[:] = -far
        for k in range(labels):
            line = logits[k, start : start + size]
            for i in range(size):
                value = line[i] if line[i] > -far else -far  # NaN is not
                value = value if value < far else far
                tile[k, i] = value
                best[i] = best[i] if best[i] > value else value
        for i in range(size):
            row = rows[start + i]
            for k in range(labels):
                row[k] = tile[k, i] - best[i]
            row[labels:] = -far


@jit
def best(rows: Array, count: int, out: Array) -> None:
    """The first of the largest of each row's `count` values, into (N,) uint8."""
    for i in range(len(rows)):
        top, label = rows[i, 0], 0
        for k in range(1, count):
            if rows[i, k] > top:
                top, label = rows[i, k], k
        out[i] = label
