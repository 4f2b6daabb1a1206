"""What dense_boxes refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.dense_boxes import DenseLayout, dense_boxes


@pytest.mark.parametrize(
    ("table", "layout", "says"),
    [
        pytest.param(np.zeros((4, 9), np.float32), DenseLayout(), "4 values and at", id="classes"),
        pytest.param(np.zeros((5, 9), np.float32), DenseLayout(objectness=True), "5 v", id="five"),
        pytest.param(
            np.zeros((9, 4), np.float32), DenseLayout(channels_last=True), r"\(A, values\)", id="l"
        ),
        pytest.param(np.zeros((6, 9)), DenseLayout(), "float64", id="dtype"),
    ],
)
def test_refuses(table, layout, says):
    with pytest.raises(ShapeError, match=says):
        dense_boxes(table, layout, 0.5, 10)
