"""The lattice from its definition: vertices by coordinates, and exact Gaussian filtering."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops._jit import DISABLE
from edgecv.ops.dense_crf.cpu import apply, build
from edgecv.ops.dense_crf.lattice import (
    bilateral_features,
    bilateral_grid,
    embed,
    grid_of,
    neighbours,
    spatial_features,
    spatial_grid,
)


def coordinates(keys, grid):
    """Integer coordinates (…, d + 1) of vertices: a key's digits, and the last sums to 0."""
    d = len(grid.scale)
    remainder, cells = keys % (d + 1), keys // (d + 1)
    digits = []
    for j in range(d):
        radix_step = grid.step[j] // (d + 1)
        digits.append(cells // radix_step + grid.low[j])
        cells = cells % radix_step
    first = np.stack(digits, -1) * (d + 1) + remainder[..., None]
    return np.concatenate([first, -first.sum(-1, keepdims=True)], -1)


def lifted(features, grid):
    """The point on the plane of zero sum: column by column of Adams' matrix E."""
    d = features.shape[1]
    basis = np.zeros((d, d + 1))
    for j in range(d):
        basis[j, : j + 1] = 1
        basis[j, j + 1] = -(j + 1)
    return (features.astype(float) * grid.scale) @ basis


@pytest.mark.parametrize("d", [2, 5])
def test_a_point_is_the_weighted_mean_of_its_vertices(rng, d):
    extent = [3.0, 7.0, 0.0, 12.0, 5.0][:d]
    grid = grid_of(extent)
    features = (rng.uniform(0, 1, (300, d)) * extent).astype(np.float32)
    keys, weights = embed(features, grid)
    corner = coordinates(keys, grid)
    assert (corner[..., :] % (d + 1) == np.arange(d + 1)[:, None]).all()
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)
    point = (weights[..., None] * corner).sum(1)
    np.testing.assert_allclose(point, lifted(features, grid), atol=1e-3)
    assert keys.min() >= 0
    assert keys.max() < 2**grid.bits


def test_neighbours_are_one_step_along_an_axis(rng):
    grid = grid_of([4.0, 4.0])
    keys, _ = embed(rng.uniform(0, 4, (400, 2)).astype(np.float32), grid)
    vertices = np.unique(keys)
    near = neighbours(vertices, grid)
    place = {tuple(c): v for v, c in enumerate(coordinates(vertices, grid).tolist())}
    for axis in range(3):
        step = np.full(3, -1)
        step[axis] = 2
        for v, c in enumerate(coordinates(vertices, grid)):
            assert near[axis, 0, v] == place.get(tuple(c + step), len(vertices))
            assert near[axis, 1, v] == place.get(tuple(c - step), len(vertices))
    assert (near < len(vertices)).mean() > 0.5


@pytest.mark.parametrize("form", ["numba", "numpy"])
def test_filter_is_close_to_a_gaussian(rng, monkeypatch, form):
    """Splat, blur, slice: by Adams et al. a Gaussian of unit deviation, to some percent."""
    if form == "numpy":
        monkeypatch.setenv(DISABLE, "1")
    image = rng.integers(90, 130, (20, 20, 3)).astype(np.uint8)
    noise = rng.uniform(0, 1, (400, 2)).astype(np.float32)
    for features, grid in (
        (spatial_features(20, 20, 3.0), spatial_grid(20, 20, 3.0)),
        (bilateral_features(image, 8.0, 20.0), bilateral_grid(20, 20, 8.0, 20.0)),
    ):
        lattice = build(features, grid)
        kernel = np.exp(-0.5 * ((features[:, None] - features).astype(float) ** 2).sum(-1))
        norm = 1 / np.sqrt(kernel.sum(1))
        wanted = (kernel * norm[:, None] * norm) @ noise
        error = apply(lattice, noise, grid.gain) - wanted
        assert np.sqrt((error**2).mean()) < 0.05 * np.sqrt((wanted**2).mean())


def test_the_compiled_hash_table_grows(rng):
    pytest.importorskip("numba")
    features = rng.uniform(0, 60, (16000, 5)).astype(np.float32)  # nearly all vertices differ
    grid = grid_of([60.0] * 5)
    lattice = build(features, grid)
    keys, _ = embed(features, grid)
    vertices = np.unique(keys)
    assert len(vertices) > 1 << 16
    assert lattice.near.shape[2] == len(vertices)
    of_vertex = np.empty(len(vertices), np.int64)
    of_vertex[lattice.offsets.reshape(-1)] = keys.reshape(-1)
    assert np.array_equal(of_vertex[lattice.offsets], keys)
    assert np.array_equal(np.sort(of_vertex), vertices)


def test_keys_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match="raise the smallest sigma"):
        grid_of([1e6] * 5)
