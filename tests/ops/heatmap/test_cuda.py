"""The CUDA twin of heatmap against the CPU twin: every refinement, both types, NaN and ties."""

import numpy as np
import pytest

from edgecv.errors import ShapeError, UsageError
from edgecv.ops.heatmap import OP, heatmap
from edgecv.ops.heatmap.cuda import HeatmapPlan
from tests.cuda.capture import assert_capturable

NAN = float("nan")
GPU = pytest.param("gpu", marks=pytest.mark.gpu)


def some_maps(rng, shape):
    """Gaussians anywhere, some with plateaus, NaN, infinities or nothing at all."""
    batch, joints, height, width = shape
    y, x = np.indices((height, width))
    maps = np.empty(shape, np.float32)
    for n, k in np.ndindex(batch, joints):
        u, v = rng.uniform(0, width - 1), rng.uniform(0, height - 1)
        maps[n, k] = 0.9 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / 6)
    maps += np.float32(0.01) * rng.random(shape, np.float32)
    maps[0, 0] = np.round(4 * maps[0, 0]) / 4
    maps[0, 1, 1], maps[-1, 1] = NAN, NAN
    maps[0, 2] = -np.inf
    maps[0, 2, 0, 0] = NAN
    maps[-1, 2, 3, 2] = np.inf
    return maps


def same(found, wanted):
    """Equal within the op's tolerance, and mostly bit for bit."""
    np.testing.assert_allclose(found, wanted, atol=OP.atol)
    assert (found != wanted).mean() <= OP.share


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(("refine", "kernel"), [("none", 0), ("quarter", 0), ("taylor", 11)])
def test_equals_the_cpu_twin(session, rng, refine, kernel, dtype):
    maps = some_maps(rng, (2, 5, 23, 17)).astype(dtype)
    plan = HeatmapPlan(session, batch=2, shape=(5, 23, 17), refine=refine, kernel=kernel)
    source = session.upload(maps)
    (found,) = assert_capturable(session, lambda s: plan.enqueue(s, source), [plan.joints])
    wanted = heatmap(maps.reshape(-1, 23, 17), refine, kernel).reshape(2, 5, 3)
    same(found, wanted)
    plan.close()
    source.free()


@pytest.mark.parametrize("session", ["forward", GPU], indirect=True)
@pytest.mark.parametrize("kernel", [0, 3, 31])
@pytest.mark.parametrize("shape", [(4, 5, 5), (3, 40, 9), (3, 1, 7)], ids=str)
def test_small_and_narrow_maps_and_any_blur(session, rng, shape, kernel):
    maps = some_maps(rng, (1, *shape)) if min(shape) > 3 else rng.random((1, *shape), np.float32)
    plan = HeatmapPlan(session, batch=1, shape=shape, refine="taylor", kernel=kernel)
    source = session.upload(maps)
    plan.enqueue(session.stream(), source)
    same(session.download(plan.joints)[0], heatmap(maps[0], "taylor", kernel))
    plan.close()
    source.free()


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_wrong_arguments_are_refused(session):
    with pytest.raises(ShapeError, match="needs maps and images"):
        HeatmapPlan(session, batch=0, shape=(1, 4, 4))
    with pytest.raises(UsageError, match="must be odd"):
        HeatmapPlan(session, batch=1, shape=(1, 4, 4), refine="taylor", kernel=4)
