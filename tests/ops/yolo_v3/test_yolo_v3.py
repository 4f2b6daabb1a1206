"""What yolo_v3 refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.yolo_v3 import YoloLayout, YoloScale, yolo_v3

SCALES = [
    YoloScale(32, ((40, 30), (60, 80)), 1.05),
    YoloScale(16, ((10, 14), (23, 27), (37, 58)), 1.2),
]


@pytest.mark.parametrize(
    ("shapes", "layout", "says"),
    [
        pytest.param([(16, 2, 2)], YoloLayout(), "one map a scale", id="maps"),
        pytest.param([(15, 2, 2), (24, 2, 2)], YoloLayout(), r"\(2 \* \(5 \+ C\)", id="anchors"),
        pytest.param([(10, 2, 2), (15, 2, 2)], YoloLayout(), "5 . C", id="no-class"),
        pytest.param([(12, 2, 2), (21, 2, 2)], YoloLayout(), "same classes", id="classes"),
        pytest.param(
            [(2, 2, 2, 6)] * 2, YoloLayout(channels_last=True), r"\(3, h, w", id="channels-last"
        ),
    ],
)
def test_refuses(shapes, layout, says):
    with pytest.raises(ShapeError, match=says):
        yolo_v3([np.zeros(shape, np.float32) for shape in shapes], SCALES, layout, 0.5, 10)
