"""Suppression as heads ask for it; NMS itself is tested in tests/ops/nms."""

import numpy as np

from edgecv.ops._candidates import Candidates
from edgecv.ops.suppression import Suppression, suppression

BOXES = np.float32([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 8], [20, 20, 30, 30]])
SCORES = np.float32([0.9, 0.8, 0.7, 0.6])
FOUND = Candidates(BOXES, SCORES, np.int64([3, 4, 3, 3]), 9, 2)


def test_classes_are_told_apart():
    kept = suppression(FOUND, Suppression(0.5, 10))
    assert kept.ids.tolist() == [3, 4, 3]
    assert kept.scores.tolist() == SCORES[[0, 1, 3]].tolist()
    assert kept.boxes.tolist() == BOXES[[0, 1, 3]].tolist()
    assert (kept.total, kept.nan) == (9, 2)


def test_class_agnostic_keeps_the_best_of_all_and_its_class():
    kept = suppression(FOUND, Suppression(0.5, 10, class_agnostic=True))
    assert kept.ids.tolist() == [3, 3]
    assert kept.scores.tolist() == SCORES[[0, 3]].tolist()


def test_limit_keeps_the_best():
    assert suppression(FOUND, Suppression(0.5, 2)).ids.tolist() == [3, 4]


def test_soft_suppression_lowers_scores():
    kept = suppression(FOUND, Suppression(0.5, 10, soft="linear", floor=0.1))
    assert kept.ids.tolist() == [3, 4, 3, 3]  # the third falls by 0.8: below the fourth
    assert np.allclose(kept.scores, [0.9, 0.8, 0.6, 0.14])
    assert kept.boxes.tolist() == BOXES[[0, 1, 3, 2]].tolist()
    assert (kept.total, kept.nan) == (9, 2)
    assert len(suppression(FOUND, Suppression(0.5, 10, soft="linear", floor=0.2)).ids) == 3
