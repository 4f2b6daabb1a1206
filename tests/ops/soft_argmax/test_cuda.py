"""The CUDA twin of soft_argmax against the CPU twin: one to three dimensions, both types."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.soft_argmax import OP, soft_argmax
from edgecv.ops.soft_argmax.cuda import SoftArgmaxPlan
from tests.cuda.capture import assert_capturable

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("shape", [(5, 33), (3, 19, 14), (2, 3, 6, 7)], ids=str)
def test_equals_the_cpu_twin(session, rng, shape, dtype):
    maps = (3 * rng.standard_normal((2, *shape))).astype(dtype)
    maps[0, 0].flat[:3] = NAN, -INF, 12
    maps[1, 0] = NAN
    maps[1, 1].flat[4] = INF
    plan = SoftArgmaxPlan(session, batch=2, shape=shape, beta=2.0)
    source = session.upload(maps)
    (found,) = assert_capturable(session, lambda s: plan.enqueue(s, source), [plan.joints])
    wanted = soft_argmax(maps.reshape(-1, *shape[1:]), 2.0).reshape(found.shape)
    np.testing.assert_allclose(found, wanted, atol=OP.atol)
    assert found[1, 0].tolist() == [0] * len(shape)
    plan.close()
    source.free()


@pytest.mark.parametrize("session", ["forward"], indirect=True)
@pytest.mark.parametrize("shape", [(3,), (1, 2, 2, 2, 2), (1, 0, 4)], ids=str)
def test_wrong_shapes_are_refused(session, shape):
    with pytest.raises(ShapeError, match="1 to 3 sides"):
        SoftArgmaxPlan(session, batch=1, shape=shape)
