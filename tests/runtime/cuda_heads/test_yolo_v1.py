"""The YOLO v1 head on the device."""

import numpy as np
import pytest

from edgecv.head import YoloV1Head
from tests.runtime.cuda_heads.detectors import ONCE, same_on_the_device


@ONCE
@pytest.mark.parametrize("shape", [(2, 4, 4, 13), (2, 208)])
def test_equals_the_cpu(session, rng, shape):
    head = YoloV1Head(side=4, size=(64, 64), order="darknet" if len(shape) == 2 else "cells")
    grid = rng.uniform(0, 1, shape).astype(np.float32)
    results = same_on_the_device(session, head, {"grid": grid})
    assert all(len(result) for result in results)
