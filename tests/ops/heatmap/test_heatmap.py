"""What heatmap refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError, UsageError
from edgecv.ops.heatmap import heatmap


@pytest.mark.parametrize(
    ("maps", "refine", "kernel", "error", "message"),
    [
        pytest.param(np.zeros((4, 4)), "none", 0, ShapeError, "maps must be", id="rank"),
        pytest.param(np.zeros((1, 0, 4), "f4"), "none", 0, ShapeError, "maps must be", id="empty"),
        pytest.param(np.zeros((1, 4, 4), "f4"), "half", 0, UsageError, "not one of", id="refine"),
        pytest.param(np.zeros((1, 4, 4), "f4"), "taylor", 4, UsageError, "must be odd", id="even"),
        pytest.param(np.zeros((1, 4, 4), "f4"), "taylor", 33, UsageError, "at most 31", id="large"),
    ],
)
def test_wrong_arguments_are_refused(maps, refine, kernel, error, message):
    with pytest.raises(error, match=message):
        heatmap(maps, refine, kernel)
