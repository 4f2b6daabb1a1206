"""Each compiled loop of a step against the same arithmetic by whole arrays."""

import numpy as np
import pytest

from edgecv.ops.dense_crf import arithmetic

pytest.importorskip("numba")
from edgecv.ops.dense_crf.step import (
    Term,
    blur,
    exponential,
    penalise,
    slice2,
    slice5,
    softmax,
    splat,
    step,
)

WIDTHS = pytest.mark.parametrize("octets", [(0,), (0, 0)], ids=["8", "16"])


def term(rng, corners, octets, gain=0.5):
    """A lattice of 9 vertices under 12 pixels."""
    offsets = rng.integers(0, 9, (12, corners)).astype(np.uint32)
    weights = rng.random((12, corners)).astype(np.float32)
    values = rng.normal(size=(10, 8 * len(octets))).astype(np.float32)
    return Term(offsets, weights, values, np.zeros_like(values), np.float32(gain))


def test_exponential_has_the_same_bits():
    x = np.linspace(-100, 0, 4001).astype(np.float32)
    wanted = arithmetic.exponential(x)
    exponential(x, np.empty(x.size, np.int32))
    np.testing.assert_array_equal(x, wanted)


@WIDTHS
def test_softmax_has_the_same_bits(rng, octets):
    rows = rng.normal(0, 9, (77, 8 * len(octets))).astype(np.float32)
    rows[:, -3:] = -arithmetic.FAR
    wanted = arithmetic.softmax(rows)
    softmax(rows, np.empty(rows.size, np.int32), octets)
    np.testing.assert_array_equal(rows, wanted)


@WIDTHS
@pytest.mark.parametrize(("slicing", "corners"), [(slice2, 3), (slice5, 6)], ids=["2", "5"])
def test_slicing_reads_the_vertices_of_each_pixel(rng, octets, slicing, corners):
    kernel = term(rng, corners, octets)
    x = rng.normal(size=(7, 8 * len(octets))).astype(np.float32)
    taken = kernel.values[kernel.offsets[4:11]].astype(float)
    wanted = x + 0.5 * (taken * kernel.weights[4:11, :, None]).sum(1)
    slicing(x, 4, kernel, octets)
    np.testing.assert_allclose(x, wanted, atol=1e-5)


@WIDTHS
@pytest.mark.parametrize("corners", [3, 6])
def test_splatting_adds_to_the_vertices_of_each_pixel(rng, octets, corners):
    kernel = term(rng, corners, octets)
    x = rng.normal(size=(7, 8 * len(octets))).astype(np.float32)
    wanted = np.zeros(kernel.sums.shape)
    for pixel in range(7):
        for corner in range(corners):
            share = kernel.weights[4 + pixel, corner] * x[pixel]
            wanted[kernel.offsets[4 + pixel, corner]] += share
    splat(x, 4, kernel, octets)
    np.testing.assert_allclose(kernel.sums, wanted, atol=1e-5)


@WIDTHS
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_blur_is_half_of_both_neighbours_axis_by_axis(rng, octets, axes):
    values = rng.normal(size=(10, 8 * len(octets))).astype(np.float32)
    values[9] = 0  # where there is no neighbour
    near = rng.integers(0, 10, (axes, 2, 9)).astype(np.int32)
    wanted, spare = values.copy(), np.zeros_like(values)
    for axis in range(axes):
        both = wanted[near[axis, 0]] + wanted[near[axis, 1]]
        wanted = np.concatenate([wanted[:9] + np.float32(0.5) * both, wanted[9:]])
    blur(values, spare, near, octets)
    np.testing.assert_allclose(spare if axes % 2 else values, wanted, atol=1e-5)


def test_penalise_takes_the_compatible_messages_away(rng):
    message, rows = rng.normal(size=(2, 5, 8)).astype(np.float32)
    penalty = rng.normal(size=(8, 8)).astype(np.float32)
    wanted = rows - message.astype(float) @ penalty
    penalise(message, rows, penalty)
    np.testing.assert_allclose(message, wanted, atol=1e-5)


def test_a_step_without_kernels_is_a_softmax(rng):
    rows = rng.normal(0, 3, (40, 8)).astype(np.float32)  # more than a block of 32
    nothing = Term(
        np.zeros((0, 3), np.uint32), np.zeros((0, 3), np.float32), rows[:1], rows[:1], np.float32(0)
    )
    q = np.empty_like(rows)
    step(rows, nothing, nothing, np.zeros((0, 8), np.float32), q, (0,))
    np.testing.assert_array_equal(q, arithmetic.softmax(rows))
