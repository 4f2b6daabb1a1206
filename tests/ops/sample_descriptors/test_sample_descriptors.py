"""Both twins of sample_descriptors against torch's grid_sample and normalize."""

import numpy as np
import pytest

from edgecv.errors import ShapeError, UsageError
from edgecv.ops.sample_descriptors import OP, cell_rule, sample_descriptors
from edgecv.ops.sample_descriptors.cpu import sample_descriptors as cpu
from edgecv.ops.sample_descriptors.cuda import SampleDescriptorsPlan
from tests.cuda.capture import assert_capturable

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


def test_refuses_what_has_no_meaning():
    maps, points = np.zeros((4, 2, 2), np.float32), np.zeros((3, 2), np.float32)
    with pytest.raises(ShapeError, match="maps must be"):
        sample_descriptors(maps[0], points, 8)
    with pytest.raises(ShapeError, match="points must be"):
        sample_descriptors(maps, points.astype(np.float64), 8)
    with pytest.raises(UsageError, match="is not one of"):
        sample_descriptors(maps, points, 8, "nearest")
    with pytest.raises(UsageError, match="stride"):
        sample_descriptors(maps, points, 0)
    with pytest.raises(ShapeError, match="maps and points"):
        SampleDescriptorsPlan(None, shape=(1, 4, 2, 2), k=0, stride=8)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(
    ("shape", "stride", "grid"),
    [((7, 5, 9), 8, "superglue"), ((130, 3, 1), 4, "superpoint"), ((256, 1, 4), 8, "centre")],
)
def test_cuda_equals_the_cpu_twin(session, rng, shape, stride, grid, dtype):
    maps = rng.normal(size=(2, *shape)).astype(dtype)
    points = rng.uniform(-9, 9 + 8 * shape[2], (2, 6, 2)).astype(np.float32)
    maps[1, 0, 0, 0], maps[0, :, 0, 0] = np.nan, 0
    points[0, 0], points[0, 1, 1] = 0, np.nan
    plan = SampleDescriptorsPlan(session, shape=maps.shape, k=6, stride=stride, grid=grid)
    device, places = session.upload(maps), session.upload(points)
    count = session.upload(np.int32([6, 4]))
    run = assert_capturable(
        session, lambda s: plan.enqueue(s, device, places, count), [plan.descriptors]
    )
    for found, map_, at, n in zip(run[0], maps, points, (6, 4), strict=True):
        wanted = sample_descriptors(map_, at[:n], stride, grid)
        np.testing.assert_allclose(found[:n], wanted, rtol=0, atol=OP.atol)
        assert not found[n:].any()
    plan.close()


@pytest.mark.parametrize("grid", GRIDS)
def test_a_map_of_one_cell_is_the_same_everywhere(grid):
    maps = np.float32([3, 4]).reshape(2, 1, 1)
    points = np.float32([[0.5, 0.5], [0, 1]])
    found = cpu(maps, points, cell_rule(grid, 1, (1, 1)))
    np.testing.assert_allclose(found, [[0.6, 0.8]] * 2, atol=1e-7)
