"""What center_boxes refuses, and how it reads sizes, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.center_boxes import CenterLayout, CenterMaps, center_boxes

MAPS = CenterMaps(*(np.zeros((2, 5, 6), np.float32) for _ in range(3)))


@pytest.mark.parametrize("name", ["size", "offset"])
@pytest.mark.parametrize(
    "wrong", [np.zeros((2, 4, 6), np.float32), np.zeros((3, 5, 6), np.float32), np.zeros((2, 5, 6))]
)
def test_refuses_maps_that_do_not_fit_each_other(name, wrong):
    with pytest.raises(ShapeError, match=rf"{name} must be \(2, 5, 6\) float32"):
        center_boxes(MAPS._replace(**{name: wrong}), CenterLayout(), 0.5, 3)


def test_sizes_are_in_cells_or_in_pixels():
    assert CenterLayout(8).size_scale == 8
    assert CenterLayout(8, pixels=True).size_scale == 1
