"""The CUDA twin: equal to the CPU twin, bit for bit, whatever is asked."""

import pytest

from edgecv.ops.letterbox import Fit
from edgecv.ops.letterbox.cuda import _kind


@pytest.mark.parametrize(
    ("size", "place", "interpolation", "kind"),
    [
        pytest.param((60, 90), Fit(0, 0, 20, 30), "linear", ("linear", (0, 0)), id="third"),
        pytest.param((60, 90), Fit(0, 0, 30, 45), "linear", ("half", (0, 0)), id="half"),
        pytest.param((60, 90), Fit(0, 0, 30, 90), "linear", ("linear", (0, 0)), id="half-one-way"),
        pytest.param((60, 90), Fit(0, 0, 30, 45), "area", ("half", (0, 0)), id="area-half"),
        pytest.param((60, 90), Fit(0, 0, 20, 45), "area", ("area_whole", (3, 2)), id="area-whole"),
        pytest.param((60, 90), Fit(0, 0, 20, 44), "area", ("area", (0, 0)), id="area-parts"),
        pytest.param((60, 90), Fit(0, 0, 61, 30), "area", ("linear_area", (0, 0)), id="area-grows"),
        pytest.param((60, 90), Fit(0, 0, 7, 7), "antialias", ("antialias", (0, 0)), id="antialias"),
    ],
)
def test_arithmetic_is_chosen_as_opencv_chooses(size, place, interpolation, kind):
    assert _kind(size, place, interpolation) == kind
