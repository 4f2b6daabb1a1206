"""The device's decoder of the head `integral` against the CPU's."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.head import IntegralHead
from edgecv.runtime.cuda_heads.integral import Decoder
from tests.runtime.cuda_heads.detectors import ONCE
from tests.runtime.cuda_heads.people import drawn_maps, same_on_the_device


@ONCE
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_one_person_equals_the_cpu(session, rng, dtype):
    maps = drawn_maps(rng).astype(dtype)
    results = same_on_the_device(session, IntegralHead(beta=8, align="udp"), {"heatmap": maps})
    assert all(len(result) == 1 for result in results)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_another_number_of_maps_is_refused(session):
    maps = session.zeros((1, 17, 8, 8), "float32")
    with pytest.raises(ShapeError, match="one map a joint"):
        Decoder(session, IntegralHead(skeleton="coco18"), {"heatmap": maps}, batch=1)
