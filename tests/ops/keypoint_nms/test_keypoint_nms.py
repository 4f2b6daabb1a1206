"""What keypoint_nms refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError, UsageError
from edgecv.ops.keypoint_nms import Rule, keypoint_nms


def test_refuses_what_has_no_meaning():
    with pytest.raises(ShapeError, match="scores must be"):
        keypoint_nms(np.zeros((1, 2, 3), np.float32), Rule(0, 1))
    with pytest.raises(UsageError, match="not a number"):
        keypoint_nms(np.zeros((2, 3), np.float32), Rule(float("nan"), 1))
    with pytest.raises(UsageError, match="k and rounds"):
        keypoint_nms(np.zeros((2, 3), np.float32), Rule(0, 0))
