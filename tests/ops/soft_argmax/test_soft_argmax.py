"""What soft_argmax refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.soft_argmax import soft_argmax


@pytest.mark.parametrize(
    ("maps", "beta", "message"),
    [
        pytest.param(np.zeros(4, "f4"), 1, "maps must be", id="rank"),
        pytest.param(np.zeros((1, 4)), 1, "maps must be", id="dtype"),
        pytest.param(np.zeros((1, 0), "f4"), 1, "maps must be", id="empty"),
        pytest.param(np.zeros((1, 4), "f4"), 0, "beta must be positive", id="beta"),
    ],
)
def test_wrong_arguments_are_refused(maps, beta, message):
    with pytest.raises(ShapeError, match=message):
        soft_argmax(maps, beta)
