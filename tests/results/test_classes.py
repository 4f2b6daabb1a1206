"""A classifier's result: its contract, its JSON, what supervision gets, what is drawn."""

import json

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.results.classes import Classes

NAMES = ("cat", "dog")


def classes(**changes):
    fields = {
        "ids": np.array([1, 0]),
        "scores": np.float32([0.75, 0.25]),
        "names": NAMES,
        "image_size": (80, 100),
    }
    return Classes(**fields | changes)


def test_classes_as_json():
    told = classes().to_dict()
    assert told["classes"] == [
        {"id": 1, "name": "dog", "score": 0.75},
        {"id": 0, "name": "cat", "score": 0.25},
    ]
    assert json.dumps(told, allow_nan=False)


def test_not_a_number_is_null_in_json():
    broken = classes(scores=np.float32([np.nan, np.inf])).to_dict()
    assert [c["score"] for c in broken["classes"]] == [None, None]
    assert json.dumps(broken, allow_nan=False)


def test_best():
    assert classes().best == "dog"
    assert classes(names=()).best == "1"
    assert classes(ids=np.zeros(0, int), scores=np.zeros(0, np.float32)).best == ""


def test_supervision_gets_the_classes():
    sv = pytest.importorskip("supervision")
    found = classes().to_supervision()
    assert isinstance(found, sv.Classifications)
    assert found.get_top_k(1)[0].tolist() == [1]


def test_class_is_written_in_the_corner():
    drawn = classes().draw(np.full((80, 100, 3), 128, np.uint8))
    changed = (drawn != 128).any(axis=2)
    assert changed[:10, :10].any()
    assert not changed[40:].any()


@pytest.mark.parametrize("size", [(80, 100), (1, 1), (1080, 1920)], ids=str)
def test_drawing_works_at_any_size(size):
    image = np.zeros((*size, 3), np.uint8)
    assert classes(image_size=size).draw(image, line_width=1).shape == image.shape
    assert not image.any()


def test_nothing_found_is_drawn_too():
    empty = classes(ids=np.zeros(0, int), scores=np.zeros(0, np.float32))
    assert empty.to_dict()["classes"] == []
    assert empty.draw(np.zeros((80, 100, 3), np.uint8)).shape == (80, 100, 3)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"scores": np.zeros(2)}, "float32", id="scores-dtype"),
        pytest.param({"scores": np.zeros(3, np.float32)}, r"scores must be \(2\)", id="scores"),
        pytest.param({"ids": np.zeros((1, 2), int)}, r"ids must be \(N\)", id="ids"),
        pytest.param({"ids": np.zeros(2, np.int32)}, "int64", id="ids-dtype"),
    ],
)
def test_refuses_wrong_arrays(changes, says):
    with pytest.raises(ShapeError, match=says):
        classes(**changes)
