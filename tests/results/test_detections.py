"""A detector's result: its contract, its JSON, what supervision gets, what is drawn."""

import json
import sys

import numpy as np
import pytest

from edgecv.errors import MissingPackage, ShapeError
from edgecv.results.detections import Detections

NAMES = ("cat", "dog")


def detections(**changes):
    fields = {
        "boxes": np.float32([[10, 20, 50, 60], [0, 0, 8.1234567, 8]]),
        "scores": np.float32([0.9, 0.5]),
        "ids": np.array([1, 7]),
        "names": NAMES,
        "image_size": (80, 100),
    }
    return Detections(**fields | changes)


def no_boxes(**changes):
    empty = {"boxes": np.zeros((0, 4), np.float32), "scores": np.zeros(0, np.float32)}
    return detections(**empty, ids=np.zeros(0, int), **changes)


def test_detections_as_json():
    told = detections(overflow=3).to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told == {
        "task": "detect",
        "image_size": [80, 100],
        "boxes": [
            {"id": 1, "name": "dog", "score": 0.9, "xyxy": [10, 20, 50, 60]},
            {"id": 7, "name": "7", "score": 0.5, "xyxy": [0, 0, 8.123, 8]},
        ],
        "overflow": 3,
    }


def test_supervision_gets_the_detections():
    sv = pytest.importorskip("supervision")
    found = detections().to_supervision()
    assert isinstance(found, sv.Detections)
    assert found.xyxy.tolist() == detections().boxes.tolist()
    assert found.confidence.tolist() == pytest.approx([0.9, 0.5])
    assert found.class_id.tolist() == [1, 7]
    assert found.data["class_name"].tolist() == ["dog", "7"]
    assert len(no_boxes().to_supervision()) == 0


def test_boxes_are_drawn_where_they_are():
    image = np.zeros((80, 100, 3), np.uint8)
    drawn = detections().draw(image)
    assert drawn.shape == image.shape
    assert not image.any()
    edges = (drawn != 0).any(axis=2)
    assert edges[59, 12:49].all()
    assert edges[30:58, 10].all()
    assert not edges[62:, 60:].any()


@pytest.mark.parametrize("size", [(80, 100), (1, 1), (1080, 1920)], ids=str)
@pytest.mark.parametrize("make", [detections, no_boxes], ids=lambda m: m.__name__)
def test_drawing_works_at_any_size(make, size):
    result = make(image_size=size)
    image = np.zeros((*size, 3), np.uint8)
    assert result.draw(image, line_width=1).shape == image.shape


def test_a_strided_view_can_be_drawn_on():
    image = np.zeros((80, 100, 3), np.uint8)[:, ::-1, ::-1]
    assert detections().draw(image).any()


def test_without_supervision_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(MissingPackage, match=r"edgecv\[draw\]"):
        detections().draw(np.zeros((80, 100, 3), np.uint8))


BAD = [
    pytest.param({"boxes": np.zeros((2, 4))}, "boxes must be", id="boxes-dtype"),
    pytest.param({"boxes": np.zeros((2, 5), np.float32)}, r"\(N, 4\)", id="boxes-columns"),
    pytest.param({"scores": np.zeros(3, np.float32)}, r"scores must be \(2\)", id="scores"),
    pytest.param({"ids": np.zeros(2, np.int32)}, "int64", id="ids"),
]


@pytest.mark.parametrize(("changes", "says"), BAD)
def test_refuses_wrong_arrays(changes, says):
    with pytest.raises(ShapeError, match=says):
        detections(**changes)


def test_it_has_a_length_and_counts_what_is_no_number():
    assert (len(detections()), len(no_boxes())) == (2, 0)
    assert "nan" not in detections().to_dict()
    assert detections(nan=2).to_dict()["nan"] == 2
    broken = detections(boxes=np.float32([[np.nan, 0, 1, np.inf]] * 2)).to_dict()
    assert broken["boxes"][0]["xyxy"] == [None, 0, 1, None]
