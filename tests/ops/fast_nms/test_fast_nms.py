"""What fast_nms refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.fast_nms import fast_nms

I64 = np.int64


def test_refuses():
    with pytest.raises(ShapeError, match=r"boxes must be \(N, 4\)"):
        fast_nms(np.zeros((2, 4)), np.zeros(2, I64), 0.5, 10)
    with pytest.raises(ShapeError, match=r"ids must be \(2,\)"):
        fast_nms(np.zeros((2, 4), np.float32), np.zeros(3, I64), 0.5, 10)
