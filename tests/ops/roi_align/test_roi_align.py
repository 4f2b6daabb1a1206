"""What roi_align refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.roi_align import RoiGrid, roi_align


def one_level(scale=1.0, size=(3, 2), aligned=True, sampling=2):
    return RoiGrid(size, (scale,), aligned, sampling)


@pytest.mark.parametrize(
    ("maps", "boxes", "says"),
    [
        pytest.param([np.zeros((1, 2, 2))], np.zeros((1, 4), np.float32), "float64", id="dtype"),
        pytest.param([], np.zeros((1, 4), np.float32), "one map per scale", id="levels"),
        pytest.param([np.zeros((1, 2, 2), np.float32)], np.zeros((1, 4)), "boxes must be", id="b"),
    ],
)
def test_refuses(maps, boxes, says):
    with pytest.raises(ShapeError, match=says):
        roi_align(maps, boxes, one_level())


@pytest.mark.parametrize(
    "values",
    [
        {"scales": ()},
        {"scales": (1.0,) * 6},
        {"scales": (0.0,)},
        {"size": (0, 7)},
        {"size": (7, 65)},
        {"sampling": 65},
    ],
    ids=str,
)
def test_refuses_a_grid_the_kernel_cannot_do(values):
    with pytest.raises(ShapeError, match="roi_align"):
        RoiGrid(**{"size": (7, 7), "scales": (1.0,), "aligned": True} | values)
