"""CPU twin of dense_crf: compiled loops, or an equal numpy form without numba.

Memory at N pixels, L labels padded to P, M vertices of a lattice of d features:
4 N P for the packed logits (and as much again for Q), 8 N (d + 1) for each lattice, 16 M P for
what is filtered; at 500 x 500 and 21 labels about 24 + 24 + 18 + 4 MB.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available
from edgecv.ops._mean_field import LANES, padded
from edgecv.ops.dense_crf import DenseCrf, arithmetic
from edgecv.ops.dense_crf.lattice import (
    Grid,
    Lattice,
    bilateral_features,
    bilateral_grid,
    embed,
    neighbours,
    spatial_features,
    spatial_grid,
)

Array = npt.NDArray[Any]
Kernel = tuple[Lattice, np.float32]  # what filters, and gain * weight

_TINY = np.float32(1e-20)


def dense_crf(logits: Array, image: Array, crf: DenseCrf, labels: bool) -> Array:
    """See `edgecv.ops.dense_crf`; the arguments are checked there."""
    count, height, width = logits.shape
    kernels = kernels_of(image, crf) if crf.iterations else []
    penalty = crf.matrix(count)
    if penalty is not None:
        fill = padded(count) - count
        penalty = np.pad(penalty, ((0, fill), (0, fill)))
    q = (_compiled if jit_available() else mean_field)(logits, kernels, penalty, crf.iterations)
    if labels:
        return best_label(q, count).reshape(height, width)
    return np.ascontiguousarray(q[:, :count].T).reshape(logits.shape)


def best_label(q: Array, count: int) -> Array:
    """(N,) uint8 labels of (N, P) rows; of equal ones the lowest."""
    if jit_available():
        from edgecv.ops.dense_crf.loops import best

        labels: Array = np.empty(len(q), np.uint8)
        best(q, count, labels)
    else:
        labels = q[:, :count].argmax(1).astype(np.uint8)
    return labels


def kernels_of(image: Array, crf: DenseCrf) -> list[Kernel]:
    """The lattices of the kernels whose weight is not 0: spatial, then bilateral."""
    size = (image.shape[0], image.shape[1])
    kernels = []
    if crf.spatial_weight > 0:
        lattice = spatial_lattice(size, crf.spatial_sigma, jit_available())
        gain = spatial_grid(*size, crf.spatial_sigma).gain
        kernels.append((lattice, np.float32(crf.spatial_weight) * gain))
    if crf.bilateral_weight > 0:
        sigmas = (crf.bilateral_sigma, crf.color_sigma)
        grid = bilateral_grid(*size, *sigmas)
        lattice = build(bilateral_features(image, *sigmas), grid)
        kernels.append((lattice, np.float32(crf.bilateral_weight) * grid.gain))
    return kernels


@lru_cache(maxsize=2)
def spatial_lattice(size: tuple[int, int], sigma: float, compiled: bool) -> Lattice:
    """The spatial kernel's lattice: the same for every picture of a size, so kept."""
    del compiled  # part of the key: the forms number vertices differently
    return build(spatial_features(*size, sigma), spatial_grid(*size, sigma))


def build(features: Array, grid: Grid) -> Lattice:
    """The lattice of (N, d) float32 points, its weights normalised symmetrically."""
    if jit_available():
        from edgecv.ops.dense_crf import loops

        weights = np.empty((len(features), features.shape[1] + 1), np.float32)
        first = loops.embed(features, grid.scale, grid.low, grid.step, weights)
        offsets: Array = np.empty(weights.shape, np.uint32)
        near = loops.number(first, grid.step, grid.down, offsets)
        loops.normalise(offsets, weights, near, grid.gain)
        return Lattice(offsets, weights, near)
    keys, weights = embed(features, grid)
    vertices, index = np.unique(keys, return_inverse=True)
    offsets = index.reshape(keys.shape).astype(np.uint32)
    return normalised(Lattice(offsets, weights, neighbours(vertices, grid)), grid.gain)


def normalised(lattice: Lattice, gain: np.float32) -> Lattice:
    """Multiply a pixel's weights by 1 / sqrt(filter of ones) (numpy form)."""
    mass = apply(lattice, np.ones((len(lattice.weights), 1), np.float32), gain)
    return lattice._replace(weights=lattice.weights * (np.float32(1) / np.sqrt(mass + _TINY)))


def splat(lattice: Lattice, rows: Array) -> Array:
    """Sum (N, P) rows onto the vertices, in the order of the pixels: (M + 1, P), the last 0."""
    index = lattice.offsets.reshape(-1)
    sums = np.zeros((rows.shape[1], lattice.near.shape[2] + 1), np.float32)
    for total, value in zip(sums, rows.T, strict=True):
        np.add.at(total, index, (lattice.weights * value[:, None]).reshape(-1))
    return np.ascontiguousarray(sums.T)


def blur(values: Array, near: Array) -> Array:
    """Blur (M + 1, P) along all axes."""
    for one, other in near:
        blurred = np.zeros_like(values)
        blurred[:-1] = values[:-1] + np.float32(0.5) * (values[one] + values[other])
        values = blurred
    return values


def slice_at(lattice: Lattice, values: Array, gain: np.float32) -> Array:
    """Read (M + 1, P) values at each pixel: (N, P)."""
    weights = lattice.weights * gain
    rows: Array = weights[:, :1] * values[lattice.offsets[:, 0]]
    for k in range(1, weights.shape[1]):
        rows += weights[:, k : k + 1] * values[lattice.offsets[:, k]]
    return rows


def apply(lattice: Lattice, rows: Array, gain: np.float32) -> Array:
    """Filter (N, P) rows: splat, blur, slice (numpy form)."""
    return slice_at(lattice, blur(splat(lattice, rows), lattice.near), gain)


def mean_field(
    logits: Array, kernels: list[Kernel], penalty: Array | None, iterations: int
) -> Array:
    """Q (N, P) after so many iterations (numpy form)."""
    rows = arithmetic.pack(logits, padded(len(logits)))
    q = arithmetic.softmax(rows)
    for _ in range(iterations):
        x = rows.copy() if penalty is None else np.zeros_like(rows)
        for lattice, gain in kernels:
            x += apply(lattice, q, gain)
        if penalty is not None:
            message, x = x, rows.copy()
            for label, row in enumerate(penalty):
                x -= row * message[:, label : label + 1]
        q = arithmetic.softmax(x)
    return q


def _compiled(
    logits: Array, kernels: list[Kernel], penalty: Array | None, iterations: int
) -> Array:
    from edgecv.ops.dense_crf import loops
    from edgecv.ops.dense_crf.step import Term, step
    from edgecv.ops.dense_crf.step import blur as blur_rows

    count = len(logits)
    rows = np.empty((logits[0].size, padded(count)), np.float32)
    loops.pack(np.ascontiguousarray(logits).reshape(count, -1), arithmetic.FAR, rows)
    octets = (0,) * (rows.shape[1] // LANES)
    given = {lattice.weights.shape[1]: (lattice, gain) for lattice, gain in kernels}
    nothing, zero = np.empty((0, rows.shape[1]), np.float32), np.float32(0)
    penalty = nothing if penalty is None else penalty

    terms, gains, nears = [], [], []
    for corners in (3, 6):
        lattice, gain = given.get(corners, (_no_lattice(corners), zero))
        sums, values = np.zeros((2, lattice.near.shape[2] + 1, rows.shape[1]), np.float32)
        terms.append(Term(lattice.offsets, lattice.weights, values, sums, zero))
        gains.append(gain)
        nears.append(lattice.near)
    step(rows, terms[0], terms[1], nothing, nothing if iterations else rows, octets)
    for left in range(iterations - 1, -1, -1):
        for which, (now, near) in enumerate(zip(terms, nears, strict=True)):
            blur_rows(now.sums, now.values, near, octets)
            values, sums = (now.values, now.sums)[:: 1 if len(near) % 2 else -1]
            sums[:] = 0
            terms[which] = now._replace(values=values, sums=sums, gain=gains[which])
        step(rows, terms[0], terms[1], penalty, nothing if left else rows, octets)
    return rows


def _no_lattice(corners: int) -> Lattice:
    weights = np.empty((0, corners), np.float32)
    return Lattice(weights.astype(np.uint32), weights, np.empty((corners, 2, 0), np.int32))
