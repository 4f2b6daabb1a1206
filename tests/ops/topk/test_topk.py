"""What topk refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.topk import topk


@pytest.mark.parametrize(
    ("scores", "k", "says"),
    [
        pytest.param(np.zeros((2, 2), np.float32), 1, r"\(2, 2\)", id="rank"),
        pytest.param(np.zeros(2), 1, "float64", id="dtype"),
        pytest.param(np.zeros(2, np.float32), -1, "k must be >= 0", id="k"),
    ],
)
def test_refuses(scores, k, says):
    with pytest.raises(ShapeError, match=says):
        topk(scores, k)
