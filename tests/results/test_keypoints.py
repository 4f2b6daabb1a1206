"""People with joints: contract, JSON, supervision, drawing."""

import json

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.results.keypoints import Keypoints

NAMES = ("head", "hand", "foot")


def keypoints(**changes):
    fields = {
        "joints": np.float32([[[10, 5, 0.9], [30.1234567, 40, 0.5], [0, 0, 0]]]),
        "scores": np.float32([0.7]),
        "names": NAMES,
        "edges": ((0, 1), (1, 2), (0, 7)),
        "image_size": (60, 80),
    }
    return Keypoints(**fields | changes)


def test_as_json():
    told = keypoints(overflow=2, boxes=np.float32([[1, 2, 3, 4]])).to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    joints = {"head": [10, 5, 0.9], "hand": [30.123, 40, 0.5], "foot": None}
    assert told == {
        "task": "pose",
        "image_size": [60, 80],
        "people": [{"score": 0.7, "xyxy": [1, 2, 3, 4], "joints": joints}],
        "overflow": 2,
    }
    assert "xyxy" not in keypoints().to_dict()["people"][0]


def test_what_is_not_a_number_was_not_found():
    broken = keypoints(joints=np.full((1, 3, 3), np.nan, np.float32), names=())
    assert not broken.found.any()
    assert broken.to_dict()["people"][0]["joints"] == {"0": None, "1": None, "2": None}
    assert (broken.draw(np.zeros((60, 80, 3), np.uint8)) == 0).all()


def test_supervision_gets_the_joints():
    sv = pytest.importorskip("supervision")
    found = keypoints().to_supervision()
    assert isinstance(found, sv.KeyPoints)
    assert found.xy.shape == (1, 3, 2)
    nobody = keypoints(joints=np.zeros((0, 3, 3), np.float32), scores=np.zeros(0, np.float32))
    assert len(nobody) == len(nobody.to_supervision()) == 0


def test_draws_joints_and_the_lines_between_those_found():
    blank = np.zeros((60, 80, 3), np.uint8)
    canvas = keypoints().draw(blank)
    assert not blank.any()
    assert canvas[22, 19].any(), "half way from head to hand"
    assert canvas[5, 10].any()
    assert not canvas[:3, :3].any(), "the joint that was not found"
    outside = keypoints(joints=np.float32([[[-9, 5, 1], [89, 5, 1], [1e9, 0, 1]]])).draw(blank)
    assert outside[5, 40].any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"joints": np.zeros((1, 3, 2), np.float32)}, "joints must be", id="joints"),
        pytest.param({"scores": np.zeros(2, np.float32)}, "scores must be", id="scores"),
        pytest.param({"boxes": np.zeros((2, 4), np.float32)}, "boxes must be", id="boxes"),
    ],
)
def test_the_contract_is_checked(changes, message):
    with pytest.raises(ShapeError, match=message):
        keypoints(**changes)
