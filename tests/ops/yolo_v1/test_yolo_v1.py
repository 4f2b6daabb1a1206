"""What yolo_v1 refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.yolo_v1 import YoloGrid, yolo_v1


@pytest.mark.parametrize(
    ("values", "says"),
    [
        pytest.param(np.zeros(1471, np.float32), r"49 \* \(10 \+ classes\)", id="rest"),
        pytest.param(np.zeros(490, np.float32), "needs 49", id="no-class"),
        pytest.param(np.zeros((1, 1470), np.float32), r"\(1, 1470\)", id="rank"),
        pytest.param(np.zeros(1470), "float64", id="dtype"),
    ],
)
def test_refuses(values, says):
    with pytest.raises(ShapeError, match=says):
        yolo_v1(values, YoloGrid(), 0.5, 10)
