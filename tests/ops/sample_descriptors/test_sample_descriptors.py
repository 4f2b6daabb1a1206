"""What sample_descriptors refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError, UsageError
from edgecv.ops.sample_descriptors import sample_descriptors


def test_refuses_what_has_no_meaning():
    maps, points = np.zeros((4, 2, 2), np.float32), np.zeros((3, 2), np.float32)
    with pytest.raises(ShapeError, match="maps must be"):
        sample_descriptors(maps[0], points, 8)
    with pytest.raises(ShapeError, match="points must be"):
        sample_descriptors(maps, points.astype(np.float64), 8)
    with pytest.raises(UsageError, match="is not one of"):
        sample_descriptors(maps, points, 8, "nearest")
    with pytest.raises(UsageError, match="stride"):
        sample_descriptors(maps, points, 0)
