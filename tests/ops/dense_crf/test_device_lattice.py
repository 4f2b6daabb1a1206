"""Lattices in device memory are those of the CPU twin."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.dense_crf import DenseCrf
from edgecv.ops.dense_crf.cpu import kernels_of, spatial_lattice
from edgecv.ops.dense_crf.device_lattice import BilateralLattice, SpatialLattice
from edgecv.ops.dense_crf.lattice import spatial_grid
from tests.ops.dense_crf.oracle import picture

CRF = DenseCrf(1.5, 1.0, bilateral_sigma=6.0, color_sigma=20.0, bilateral_weight=3.0, iterations=2)
FORWARD = pytest.mark.parametrize(
    "session", ["forward", pytest.param("gpu", marks=pytest.mark.gpu)], indirect=True
)


@FORWARD
def test_the_bilateral_lattice_is_the_cpu_twins(session, rng):
    _, image, _ = picture(rng, 10, 9)
    wanted = kernels_of(image, CRF)[1][0]
    lattice = BilateralLattice(session, (10, 9), CRF, 400)
    pixels = session.upload(image)
    lattice.enqueue(session.stream(), pixels.address)
    session.synchronize()
    offsets, weights, near, starts, entries, state = (
        session.download(array)
        for array in (
            lattice.offsets, lattice.weights, lattice.near, lattice.starts, lattice.entries,
            lattice.state,
        )
    )  # fmt: skip
    assert np.array_equal(weights.reshape(90, 6), wanted.weights)
    count = state[0]
    mine = np.empty(count, np.int64)
    mine[offsets] = wanted.offsets.reshape(-1)
    assert np.array_equal(np.sort(mine), np.arange(count))  # one to one
    theirs = np.append(mine, count)
    found = theirs[np.minimum(near[:, :, :count], count)]
    assert np.array_equal(found, wanted.near[:, :, mine])
    assert (starts[0], starts[count]) == (0, 540)
    for vertex in range(count):
        own = entries[starts[vertex] : starts[vertex + 1]]
        assert np.array_equal(own, np.flatnonzero(offsets == vertex))
    lattice.close()


@FORWARD
def test_the_spatial_lattice_is_uploaded_with_the_entries_of_each_vertex(session):
    wanted = spatial_lattice((7, 9), CRF.spatial_sigma, False)
    lattice = SpatialLattice(session, (7, 9), CRF)
    offsets = session.download(lattice.offsets)
    assert offsets.tolist() == wanted.offsets.tolist()
    np.testing.assert_array_equal(session.download(lattice.weights), wanted.weights)
    np.testing.assert_array_equal(session.download(lattice.near), wanted.near)
    assert session.download(lattice.state).tolist() == [lattice.capacity, 0]
    assert lattice.gain == np.float32(CRF.spatial_weight) * spatial_grid(7, 9, 1.5).gain
    starts, entries = session.download(lattice.starts), session.download(lattice.entries)
    assert (starts[0], starts[-1], len(entries)) == (0, offsets.size, offsets.size)
    for vertex in range(lattice.capacity):
        own = entries[starts[vertex] : starts[vertex + 1]]
        assert own.tolist() == np.flatnonzero(offsets.reshape(-1) == vertex).tolist()
    lattice.close()


def test_more_pixels_than_entries_can_count_are_refused():
    with pytest.raises(ShapeError, match="too many pixels"):
        BilateralLattice(None, (30_000, 30_000), CRF, 8)
