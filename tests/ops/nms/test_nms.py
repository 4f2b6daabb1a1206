"""What nms refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.nms import MAX_CANDIDATES, nms

I64 = np.int64


@pytest.mark.parametrize(
    ("boxes", "ids", "says"),
    [
        pytest.param(np.zeros((2, 4)), np.zeros(2, I64), "float64", id="dtype"),
        pytest.param(np.zeros((2, 5), np.float32), np.zeros(2, I64), r"\(2, 5\)", id="columns"),
        pytest.param(np.zeros((2, 4), np.float32), np.zeros(3, I64), r"\(2,\) int64", id="ids"),
        pytest.param(
            np.zeros((MAX_CANDIDATES + 1, 4), np.float32),
            np.zeros(MAX_CANDIDATES + 1, I64),
            "too many boxes",
            id="capacity",
        ),
    ],
)
def test_refuses(boxes, ids, says):
    with pytest.raises(ShapeError, match=says):
        nms(boxes, ids, 0.5, 10)
