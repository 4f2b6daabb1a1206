"""The YOLO v3 head on the device."""

import numpy as np
import pytest

from edgecv.head import YoloV3Head
from tests.runtime.cuda_heads.detectors import ONCE, same_on_the_device

ANCHORS = {"anchors": [[[20, 16], [9, 30]], [[8, 8]]], "strides": [16, 8], "score": 0.4}
HEADS = [
    pytest.param(YoloV3Head(**ANCHORS), id="v3"),
    pytest.param(YoloV3Head(**ANCHORS, scale_xy=[2], sizes="square", multi_label=False), id="v5"),
    pytest.param(YoloV3Head(**ANCHORS, classes="softmax", outputs={"scale1": "a"}), id="v2"),
]


@ONCE
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("head", HEADS)
def test_equals_the_cpu(session, rng, head, dtype):
    names = [head.tensor(role) for role in head.roles]
    shapes = [(2, 2 * 8, 4, 4), (2, 8, 8, 8)]
    outputs = {
        name: rng.normal(0, 1.3, shape).astype(dtype)
        for name, shape in zip(names, shapes, strict=True)
    }
    results = same_on_the_device(session, head, outputs)
    assert all(len(result) for result in results)
