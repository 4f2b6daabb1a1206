"""The dense head on the device."""

import numpy as np
import pytest

from edgecv.head import DenseHead
from tests.runtime.cuda_heads.detectors import ONCE, same_on_the_device

HEADS = [
    pytest.param(DenseHead(score=0.4, names=("a", "b", "c")), id="yolov8"),
    pytest.param(
        DenseHead(score=0.4, layout="channels_last", objectness=True, multi_label=False),
        id="yolov5",
    ),
    pytest.param(DenseHead(activation="sigmoid", pre_nms=20, max_detections=9), id="logits"),
    pytest.param(DenseHead(score=0.9999, class_agnostic=True), id="none"),
    pytest.param(DenseHead(score=0.6, soft_nms="linear", iou=0.3), id="soft-linear"),
    pytest.param(DenseHead(score=0.6, soft_nms="gaussian", sigma=0.3), id="soft-gaussian"),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@ONCE
@pytest.mark.parametrize("head", HEADS)
def test_equals_the_cpu(session, rng, head, dtype):
    rows = rng.uniform(0, 1, (2, 90, 8 if head.objectness else 7))
    rows[:, :, :2], rows[:, :, 2:4] = rows[:, :, :2] * 60, 4 + rows[:, :, 2:4] * 20
    rows = rows if head.layout == "channels_last" else rows.transpose(0, 2, 1)
    results = same_on_the_device(session, head, {"predictions": np.ascontiguousarray(rows, dtype)})
    assert all(len(result) for result in results) == (head.score < 0.99)
    assert (results[0].overflow > 0) == (head.pre_nms == 20)
