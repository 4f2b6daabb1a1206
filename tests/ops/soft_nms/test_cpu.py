"""Soft-NMS by hand, and both forms of the CPU twin against a loop written from the paper."""

import math

import numpy as np
import pytest

from edgecv.ops.soft_nms import Decay, soft_nms
from tests.ops.soft_nms.crowds import DECAYS, ODD, ODD_SCORES, crowd


def iou(a, b):
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    common = np.maximum(sides, 0).prod()
    return common / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common) if common else 0.0


def paper(boxes, scores, ids, decay):
    """Figure 2 of arXiv:1704.04503 in float64, over all classes at once."""
    boxes, left, out = boxes.astype(float), dict(enumerate(scores.astype(float))), []
    while left:
        best = max(left, key=lambda i: (left[i], -i))
        score = left.pop(best)
        if score < decay.floor:
            break
        out.append((best, score))
        for i in left:
            if ids[i] != ids[best]:
                continue
            overlap = iou(boxes[best], boxes[i])
            if decay.kind == "gaussian":
                left[i] *= math.exp(-(overlap**2) / decay.sigma)
            elif overlap >= decay.iou:
                left[i] *= 1 - overlap
    return out[: decay.limit]


def test_by_hand(form):
    boxes = np.float32([[0, 0, 10, 10], [0, 0, 10, 5], [0, 0, 10, 10], [50, 0, 60, 10]])
    scores, ids = np.float32([0.8, 0.6, 0.5, 0.4]), np.int64([0, 0, 1, 0])
    found = soft_nms(boxes, scores, ids, Decay("linear", iou=0.5))  # the second overlaps by half
    assert found.keep.tolist() == [0, 2, 3, 1]
    assert found.scores.tolist() == pytest.approx([0.8, 0.5, 0.4, 0.3])
    found = soft_nms(boxes, scores, ids, Decay("linear", iou=0.6))
    assert found.keep.tolist() == [0, 1, 2, 3]
    found = soft_nms(boxes, scores, ids, Decay("gaussian", sigma=0.25))
    assert found.scores.tolist() == pytest.approx([0.8, 0.5, 0.4, 0.6 / math.e])


@pytest.mark.parametrize("decay", DECAYS, ids=str)
def test_equals_the_paper(form, rng, decay):
    boxes, scores, ids = crowd(rng, 120, 3)
    found = soft_nms(boxes, scores, ids, decay)
    wanted = paper(boxes, scores, ids, decay)
    assert found.keep.tolist() == [i for i, _ in wanted]
    np.testing.assert_allclose(found.scores, [s for _, s in wanted], rtol=1e-5)


def test_copies_fall_to_nothing_and_of_equal_scores_the_first_is_chosen(form):
    boxes = np.float32([[0, 0, 10, 10]] * 3 + [[20, 0, 30, 10], [40, 0, 50, 10]])
    scores, ids = np.full(5, 0.5, np.float32), np.zeros(5, np.int64)
    decay = Decay("linear", iou=0.5, floor=0.1, limit=2)
    assert soft_nms(boxes, scores, ids, decay).keep.tolist() == [0, 3]


@pytest.mark.parametrize("decay", [Decay("linear", iou=0.1), Decay("gaussian")], ids=str)
def test_odd_boxes_and_scores(form, decay):
    found = soft_nms(ODD, ODD_SCORES, np.zeros(10, np.int64), decay)
    assert set(range(10)) - set(found.keep.tolist()) <= {5, 9}  # NaN; and a copy may fall
    assert found.scores[:5].tolist() == ODD_SCORES[:5].tolist()


def test_nothing(form):
    found = soft_nms(np.zeros((0, 4), np.float32), np.float32([]), np.int64([]), Decay())
    assert (found.keep.tolist(), found.scores.tolist(), found.overflow) == ([], [], 0)
