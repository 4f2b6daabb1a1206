"""What mask_paste refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.mask_paste import mask_paste


@pytest.mark.parametrize(
    ("masks", "boxes", "says"),
    [
        pytest.param([np.ones((2, 2))], np.zeros((1, 4), np.float32), "masks must be", id="mask"),
        pytest.param([], np.zeros((1, 4), np.float32), r"regions must be \(0, 4\)", id="count"),
    ],
)
def test_refuses(masks, boxes, says):
    with pytest.raises(ShapeError, match=says):
        mask_paste(masks, boxes, boxes, (4, 4))
