"""What survivors refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.survivors import survivors


@pytest.mark.parametrize(
    ("scores", "first", "says"),
    [
        pytest.param(np.zeros((2, 3)), 0, "float64", id="dtype"),
        pytest.param(np.zeros(3, np.float32), 0, r"\(3,\)", id="rank"),
        pytest.param(np.zeros((4, 6), np.float32).T, 0, "C order", id="order"),
        pytest.param(np.zeros((2, 3), np.float32), 4, "first must be a column", id="first"),
    ],
)
def test_refuses(scores, first, says):
    with pytest.raises(ShapeError, match=says):
        survivors(scores, 0, first)
