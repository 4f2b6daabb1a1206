import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.metrics.matching import COCO_IOUS, Boxes, match_image


def boxes(rows, ids, scores=None, crowd=None):
    return Boxes(
        np.array(rows, np.float32).reshape(-1, 4),
        np.array(ids, np.int64),
        None if scores is None else np.array(scores, np.float32),
        None if crowd is None else np.array(crowd),
    )


def test_by_hand_one_object_two_detections():
    """IoU 0.6 wins at 0.5 though the other overlaps more: it scores higher and goes first."""
    truth = boxes([[0, 0, 10, 10]], [2])
    found = boxes([[0, 0, 10, 9], [0, 0, 10, 6]], [2, 2], [0.5, 0.9])
    match = match_image(found, truth, np.array([0.5, 0.75]))
    assert match.scores.tolist() == pytest.approx([0.9, 0.5])
    assert match.hit.tolist() == [[True, False], [False, True]]
    assert not match.ignored.any()
    assert match.objects.tolist() == [2]


def test_other_class_never_matches():
    match = match_image(boxes([[0, 0, 9, 9]], [1], [1.0]), boxes([[0, 0, 9, 9]], [0]))
    assert not match.hit.any()


def test_crowd_swallows_any_number_and_is_no_object():
    truth = boxes([[0, 0, 100, 100]], [0], crowd=[True])
    found = boxes([[1, 1, 9, 9], [20, 20, 60, 60], [95, 95, 120, 120]], [0] * 3, [0.9, 0.8, 0.7])
    match = match_image(found, truth, np.array([0.5]))
    assert match.ignored.tolist() == [[True, True, False]]
    assert not match.hit.any()
    assert match.objects.size == 0


def test_object_is_preferred_to_crowd():
    truth = boxes([[0, 0, 10, 10], [0, 0, 100, 100]], [0, 0], crowd=[False, True])
    found = boxes([[0, 0, 10, 9], [0, 0, 10, 10]], [0, 0], [0.9, 0.8])
    match = match_image(found, truth, np.array([0.5]))
    assert match.hit.tolist() == [[True, False]]
    assert match.ignored.tolist() == [[False, True]]


def test_limit_keeps_the_best_of_each_class():
    found = boxes([[0, 0, 1, 1]] * 5, [0, 0, 0, 1, 1], [0.1, 0.3, 0.2, 0.05, 0.9])
    match = match_image(found, boxes([], []), limit=2)
    assert match.ids.tolist() == [0, 0, 1, 1]
    assert match.scores.tolist() == pytest.approx([0.3, 0.2, 0.9, 0.05])


def test_empty_sides_are_fine():
    match = match_image(boxes([], [], []), boxes([], []))
    assert match.hit.shape == (len(COCO_IOUS), 0)


def test_zero_area_boxes_match_nothing():
    match = match_image(boxes([[5, 5, 5, 5]], [0], [1.0]), boxes([[0, 0, 9, 9]], [0]))
    assert not match.hit.any()


@pytest.mark.parametrize(
    ("found", "rule"),
    [
        pytest.param(Boxes(np.zeros((1, 4)), np.zeros(1, int)), "needs a score", id="no-scores"),
        pytest.param(
            Boxes(np.zeros((1, 5)), np.zeros(1, int), np.ones(1)), r"must be \(N, 4\)", id="columns"
        ),
    ],
)
def test_bad_arrays_are_refused(found, rule):
    with pytest.raises(ShapeError, match=rule):
        match_image(found, boxes([], []))


def test_of_equal_overlaps_the_later_object_is_taken():
    """As pycocotools does: the earlier one is then left for the second detection."""
    truth = boxes([[0, 0, 10, 10], [0, 4, 10, 14]], [0, 0])
    found = boxes([[0, 2, 10, 12], [0, 0, 10, 6]], [0, 0], [0.9, 0.8])  # IoU 2/3 twice, then 0.6
    assert match_image(found, truth, np.array([0.5])).hit.tolist() == [[True, True]]


def test_an_overlap_equal_to_the_threshold_is_enough():
    truth, found = boxes([[0, 0, 10, 10]], [0]), boxes([[0, 0, 10, 5]], [0], [0.9])
    assert match_image(found, truth, np.array([0.5, 0.5001])).hit.tolist() == [[True], [False]]
    assert match_image(boxes([[0, 0, 10, 10]], [0], [0.9]), truth, np.array([1.0])).hit.all()
