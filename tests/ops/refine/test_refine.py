"""What refine refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.conv_crf import ConvCrf
from edgecv.ops.refine import refine

CONV = ConvCrf(3, 2, 1.5, 0.3, 20.0, 0.4, rate=0.4, iterations=1)


def test_refuses():
    with pytest.raises(ShapeError, match="scores must be"):
        refine(np.zeros((2, 0, 3), np.float32), np.zeros((4, 5, 3), np.uint8), CONV)
