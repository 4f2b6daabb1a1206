"""The CUDA twin of class_masks against its CPU twin."""

import numpy as np
import pytest

from edgecv.ops.class_masks import OP, class_masks
from edgecv.ops.class_masks.cuda import ClassMasksPlan
from tests.cuda.capture import assert_capturable

IDS = np.array([0, 1, 1])


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(("channels", "last"), [(3, False), (2, True), (1, False)])
def test_the_device_says_the_same(session, rng, channels, last, dtype):
    masks = rng.normal(0, 3, (4, channels, 5, 6)).astype(dtype)
    array = session.upload(masks)
    given = session.upload(IDS.astype(np.int32)), session.upload(np.int32([3]))
    plan = ClassMasksPlan(session, array, last)
    (soft,) = assert_capturable(session, lambda s: plan.enqueue(s, *given), [plan.soft])
    wanted = class_masks(masks[:3].astype(np.float32), IDS, last)
    np.testing.assert_allclose(soft[:3], wanted, rtol=0, atol=OP.atol)
    assert not soft[3].any()
    plan.close()
    for each in (array, *given):
        each.free()
