"""Checks every result shares."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
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
