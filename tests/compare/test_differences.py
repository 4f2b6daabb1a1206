"""Gaps by hand: signal to noise, NaN, and results that agree."""

import numpy as np
import pytest

from edgecv.compare import text
from edgecv.compare.differences import EXACT_DB, Agreement, TensorGap
from edgecv.errors import ShapeError
from edgecv.results import Classes, Detections, Features, Instances, Keypoints, SegmentationMap


def gap(*pairs):
    result = TensorGap()
    for value, reference in pairs:
        result.add(np.float32(value), np.float32(reference))
    return result


def classes(*scores):
    order = np.argsort([-s for s in scores], kind="stable")
    values = np.float32(scores)[order]
    return Classes(order.astype(np.int64), values, (), (4, 4))


def boxes(*rows):
    xyxy = np.float32([row[:4] for row in rows]).reshape(-1, 4)
    ids = np.int64([row[4] for row in rows])
    scores = np.linspace(1, 0.5, len(rows), dtype=np.float32)
    return Detections(xyxy, scores, ids, (), (40, 40))


def test_more_than_a_hundred_boxes_and_boxes_without_area_equal_themselves():
    many = boxes(*((i, 0, i + 1, 2, 0) for i in range(150)), (5, 5, 5, 9, 0), (9, 9, 3, 3, 1))
    agreement = Agreement()
    agreement.add(many, many)
    assert agreement.to_dict() == {"images": 1, "boxes": 300, "iou50": 1.0, "iou90": 1.0}


def test_signal_to_noise_by_hand():
    found = gap(([11.0], [10.0]), ([0.0], [0.0]))
    assert (found.largest, found.scale, found.relative) == (1.0, 10.0, 0.1)
    assert found.sqnr_db == pytest.approx(20.0)


def test_equal_tensors_are_exact_and_json_can_say_it():
    assert gap(([1.0, 2.0], [1.0, 2.0])).to_dict() == {
        "max_abs": 0.0,
        "relative": 0.0,
        "sqnr_db": EXACT_DB,
    }


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=["nan", "inf"])
def test_what_is_not_finite_never_hides(value):
    found = gap(([value, 1.0], [1.0, 1.0])).to_dict()
    assert found == {"max_abs": None, "relative": None, "sqnr_db": -EXACT_DB}


def test_noise_without_signal_is_all_noise():
    assert gap(([1.0], [0.0])).sqnr_db == -EXACT_DB


def test_other_shape_is_refused():
    with pytest.raises(ShapeError, match="differ in shape"):
        gap(([1.0], [1.0, 2.0]))


def test_classes_agree_on_the_best():
    agreement = Agreement()
    agreement.add(classes(0.75, 0.25), classes(0.5, 0.25))
    agreement.add(classes(0.25, 0.75), classes(0.75, 0.25))
    assert agreement.to_dict() == {"images": 2, "same_class": 0.5, "max_score_gap": 0.25}


def test_boxes_are_matched_by_class_and_overlap():
    reference = boxes((0, 0, 10, 10, 1), (20, 20, 30, 30, 2))
    agreement = Agreement()
    agreement.add(boxes((0, 0, 10, 8, 1), (20, 20, 30, 30, 3)), reference)
    found = agreement.to_dict()
    assert (found["boxes"], found["iou50"], found["iou90"]) == (4, 0.5, 0.0)


def test_instances_are_matched_by_their_boxes():
    plain = boxes((0, 0, 10, 10, 1), (20, 20, 30, 30, 2))
    soft = (np.ones((2, 2), np.float32),) * 2
    parts = (plain.boxes, plain.scores, plain.ids, soft, plain.boxes, plain.names)
    found = Instances(*parts, plain.image_size)
    agreement = Agreement()
    agreement.add(found, found)
    assert agreement.to_dict() == {"images": 1, "boxes": 4, "iou50": 1.0, "iou90": 1.0}


def test_no_boxes_on_either_side_is_agreement():
    agreement = Agreement()
    agreement.add(boxes(), boxes())
    assert agreement.to_dict()["iou50"] == 1.0


def test_results_of_different_kinds_are_refused():
    with pytest.raises(ShapeError, match="different kinds"):
        Agreement().add(boxes(), classes(1.0))


def people(*joints):
    found = np.float32(joints).reshape(-1, 2, 3)
    return Keypoints(found, np.ones(len(found), np.float32), (), (), (100, 50))


def test_joints_agree_within_a_share_of_the_picture():
    agreement = Agreement()
    one, other = [[10, 10, 1], [20, 20, 1]], [[60, 60, 1], [0, 0, 0]]
    near = [[10, 10.5, 1], [20, 24, 1]]  # 1 % is 1 pixel, 5 % is 5
    agreement.add(people(one, other), people(other, near))
    assert agreement.to_dict() == {"images": 1, "joints": 6, "near5": 1.0, "near1": 2 / 3}
    agreement.add(people(), people(one))
    agreement.add(people(one), people())
    assert agreement.to_dict()["joints"] == 10
    assert agreement.to_dict()["near5"] == 0.6


def test_label_maps_agree_pixel_by_pixel():
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    other = labels.copy()
    other[0, :3] = 99
    agreement = Agreement()
    for one in (labels, other):
        agreement.add(SegmentationMap(one, (), (3, 4)), SegmentationMap(labels, (), (3, 4)))
    assert agreement.to_dict() == {"images": 2, "pixels": 24, "same_label": 21 / 24}


def test_keypoints_near_each_other_agree_once():
    def features(*points):
        places = np.float32(points).reshape(-1, 2)
        return Features(places, np.ones(len(places), np.float32), None, (40, 40))

    agreement = Agreement()
    agreement.add(features((1, 1), (2, 1), (30, 30)), features((1.5, 1), (30, 32)))
    wanted = {"images": 1, "keypoints": 5, "near3": 4 / 5, "near1": 2 / 5}
    assert agreement.to_dict() == wanted
    agreement.add(features(), features())
    assert agreement.to_dict() == {**wanted, "images": 2}
    said = text._agreement(agreement.to_dict())
    assert said == "5 keypoints of both, matched 80.0% within 3 pixels, 40.0% within 1 pixel"
