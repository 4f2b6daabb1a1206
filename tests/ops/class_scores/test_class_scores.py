"""What class_scores refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.class_scores import class_scores


@pytest.mark.parametrize("logits", [np.zeros((2, 2), np.float32), np.zeros(2), np.float32([])])
def test_refuses(logits):
    with pytest.raises(ShapeError, match=r"logits must be \(C,\) float32"):
        class_scores(logits, 1)
