"""The CUDA twin of sample_descriptors against its CPU twin."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.sample_descriptors import OP, sample_descriptors
from edgecv.ops.sample_descriptors.cuda import SampleDescriptorsPlan
from tests.cuda.capture import assert_capturable


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


def test_cuda_refuses_what_has_no_size():
    with pytest.raises(ShapeError, match="maps and points"):
        SampleDescriptorsPlan(None, shape=(1, 4, 2, 2), k=0, stride=8)
