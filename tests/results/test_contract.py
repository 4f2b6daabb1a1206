"""Checks every result shares."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.results import Classes, Detections
from edgecv.results.contract import json_number, label, require


def test_any_size_fits_none_and_nothing_else_does():
    require("boxes", np.zeros((7, 4), np.float32), (None, 4), "float32")
    with pytest.raises(ShapeError, match=r"boxes must be \(N, 4\) float32"):
        require("boxes", np.zeros((7, 5), np.float32), (None, 4), "float32")
    with pytest.raises(ShapeError, match="float64"):
        require("boxes", np.zeros((7, 4)), (None, 4), "float32")


def test_what_has_no_name_is_shown_by_number():
    assert [label(("a", "b"), i) for i in (1, 2, -1)] == ["b", "2", "-1"]


def test_json_has_no_nan():
    assert [json_number(v, 2) for v in (0.126, float("nan"), float("inf"))] == [0.13, None, None]


SIZE = (80, 100)
RESULTS = (
    Classes(np.zeros(1, np.int64), np.ones(1, np.float32), ("a",), SIZE),
    Detections(
        np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64), ("a",), SIZE
    ),
)


@pytest.mark.parametrize("results", RESULTS, ids=lambda results: type(results).__name__)
@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.zeros((80, 101, 3), np.uint8), id="another-size"),
        pytest.param(np.zeros((80, 100), np.uint8), id="gray"),
        pytest.param(np.zeros((80, 100, 3)), id="float"),
    ],
)
def test_results_are_not_drawn_on_another_picture(results, image):
    with pytest.raises(ShapeError, match=r"(?s)drawn on the picture.*needed: \(80, 100, 3\)"):
        results.draw(image)
