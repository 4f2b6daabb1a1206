"""What match refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError, UsageError
from edgecv.ops.match import Limits, match


def test_refuses_what_has_no_meaning():
    a = np.zeros((2, 4), np.float32)
    with pytest.raises(ShapeError, match="descriptors must be"):
        match(a, np.zeros((2, 5), np.float32))
    with pytest.raises(ShapeError, match="descriptors must be"):
        match(a, a.astype(np.float16))
    with pytest.raises(ShapeError, match="at most"):
        match(np.zeros((1, 5000), np.float32), np.zeros((1, 5000), np.float32))
    with pytest.raises(UsageError, match="ratio must be"):
        match(a, a, Limits(ratio=1.5))
    with pytest.raises(UsageError, match="farthest must be"):
        match(a, a, Limits(farthest=-1.0))
