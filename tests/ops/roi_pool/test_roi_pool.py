"""What roi_pool refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.roi_pool import RoiBins, roi_pool

RAMP = np.arange(64, dtype=np.float32).reshape(1, 8, 8)


@pytest.mark.parametrize(
    ("feature", "boxes", "says"),
    [
        pytest.param(np.zeros((1, 2, 2)), np.zeros((1, 4), np.float32), "float64", id="dtype"),
        pytest.param(RAMP, np.zeros((1, 5), np.float32), "boxes must be", id="boxes"),
    ],
)
def test_refuses(feature, boxes, says):
    with pytest.raises(ShapeError, match=says):
        roi_pool(feature, boxes, RoiBins((2, 2), 1.0))
