"""What peaks refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.peaks import peaks


def test_refuses_another_rank():
    with pytest.raises(ShapeError, match=r"maps must be \(C, h, w\) float32"):
        peaks(np.zeros((4, 4), np.float32), 0, 1)
