"""What class_masks refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.class_masks import class_masks

IDS = np.array([0, 1, 1])


def test_refuses():
    masks = np.zeros((2, 3, 1, 1), np.float32)
    with pytest.raises(ShapeError, match="fewer masks than"):
        class_masks(masks, np.array([0, 2]))
    with pytest.raises(ShapeError, match="masks must be"):
        class_masks(masks[0], IDS[:2])
