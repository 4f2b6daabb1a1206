"""The CPU twin of sample_descriptors against torch's grid_sample and normalize."""

import numpy as np
import pytest

from edgecv.ops.sample_descriptors import cell_rule, sample_descriptors
from edgecv.ops.sample_descriptors.cpu import sample_descriptors as cpu

GRIDS = ("centre", "superpoint", "superglue")


def published(maps, points, stride, grid):
    """The rules as their authors wrote them, for grid_sample."""
    torch = pytest.importorskip("torch")
    side = np.array(maps.shape[:0:-1], np.float64)  # w, h
    pixel = points.astype(np.float64) - 0.5
    if grid == "superpoint":
        place = pixel / (side * stride / 2) - 1
    elif grid == "superglue":
        place = (pixel - stride / 2 + 0.5) / (side * stride - stride / 2 - 0.5) * 2 - 1
    else:
        place = (pixel + 0.5) / (side * stride) * 2 - 1
    sampled = torch.nn.functional.grid_sample(
        torch.from_numpy(maps.astype(np.float64))[None],
        torch.from_numpy(place)[None, None],
        align_corners=grid != "centre",
        padding_mode="border",
    )
    return torch.nn.functional.normalize(sampled[0, :, 0], dim=0).numpy().T


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("shape", [(7, 5, 9), (3, 2, 6)])
def test_equals_grid_sample(rng, shape, grid):
    maps = rng.normal(size=shape).astype(np.float32)
    points = (rng.random((50, 2)) * [shape[2] * 8, shape[1] * 8]).astype(np.float32)
    found = sample_descriptors(maps, points, 8, grid)
    np.testing.assert_allclose(found, published(maps, points, 8, grid), rtol=0, atol=2e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_worked_by_hand():
    # a quarter of the way from (0, 3) to (8, 3): (2, 3), of length sqrt(13)
    maps = np.float32([0, 8, 3, 3]).reshape(2, 1, 2)
    found = sample_descriptors(maps, np.float32([[6, 4]]), 8, "centre")
    np.testing.assert_allclose(found, [[2 / 13**0.5, 3 / 13**0.5]], atol=1e-6)


def test_zeros_stay_and_what_is_no_number_stays_none():
    maps = np.zeros((4, 2, 2), np.float32)
    points = np.float32([[1, 1], [np.nan, 1], [1, np.inf]])
    found = sample_descriptors(maps, points, 8)
    assert not found[0].any()
    assert np.isnan(found[1:]).all()
    maps[2] = np.nan
    assert np.isnan(sample_descriptors(maps, points[:1], 8)).all()
    assert sample_descriptors(maps, points[:0], 8).shape == (0, 4)


@pytest.mark.parametrize("grid", GRIDS)
def test_a_map_of_one_cell_is_the_same_everywhere(grid):
    maps = np.float32([3, 4]).reshape(2, 1, 1)
    points = np.float32([[0.5, 0.5], [0, 1]])
    found = cpu(maps, points, cell_rule(grid, 1, (1, 1)))
    np.testing.assert_allclose(found, [[0.6, 0.8]] * 2, atol=1e-7)
