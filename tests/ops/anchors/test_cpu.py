"""Anchor boxes by hand, and against torchvision's and EfficientDet's formulas written in torch."""

import math

import numpy as np
import pytest

from edgecv.ops.anchors import AnchorLayout, anchors
from edgecv.ops.anchors.cpu import boxes_of
from tests.ops.anchors.oracle import ssd

AT = np.float32([[10, 20, 8, 4], [30, 30, 10, 10], [50, 10, 6, 12]])


ZERO = np.zeros((3, 4), np.float32)


def test_a_box_by_hand():
    # centre (10 + 0.5 * 0.1 * 8, 20 - 1 * 0.1 * 4), size (8 * e^(1 * 0.2), 4 * e^(ln 2))
    deltas = np.float32([[0.5, -1, 1, math.log(2) * 5]])
    layout = AnchorLayout(variances=(0.1, 0.1, 0.2, 0.2))
    (box,) = boxes_of(deltas, AT[:1], layout)
    half = 4 * math.exp(0.2)
    assert box.tolist() == pytest.approx([10.4 - half, 19.6 - 4, 10.4 + half, 19.6 + 4])


def test_sizes_are_clamped_and_boxes_clipped():
    deltas = np.float32([[0, 0, 100, 0]])
    (box,) = boxes_of(deltas, AT[:1], AnchorLayout())
    assert box[2] - box[0] == pytest.approx(8 * 62.5)
    (box,) = boxes_of(deltas, AT[:1], AnchorLayout(clip=(21, 64)))
    assert box.tolist() == [0, 18, 64, 21]
    (box,) = boxes_of(deltas / 10, AT[:1], AnchorLayout(clamp=math.inf))
    assert box[2] - box[0] == pytest.approx(8 * math.exp(10), rel=1e-6)


def test_sigmoid_by_hand(form):
    scores = np.float32([[0, -9], [-9, math.log(3)], [np.nan, -9]])
    found = anchors((scores, ZERO), AT, AnchorLayout(), 0.5, 10)
    assert found.ids.tolist() == [1, 0]
    assert found.scores.tolist() == pytest.approx([0.75, 0.5])
    assert found.boxes.tolist() == [[25, 25, 35, 35], [6, 18, 14, 22]]
    assert (found.total, found.nan) == (2, 1)


@pytest.mark.parametrize("background", [0, 1, 2])
def test_softmax_leaves_the_background_out(form, background):
    rows = np.float32([[0, math.log(3), math.log(4)], [5, 0, 0]])  # 1/8, 3/8, 4/8; background
    order = {0: [0, 1, 2], 1: [1, 0, 2], 2: [1, 2, 0]}[background]
    layout = AnchorLayout("softmax", background)
    found = anchors((rows[:, order], ZERO[:2]), AT[:2], layout, 0.2, 10)
    assert found.ids.tolist() == [1, 0]
    assert found.scores.tolist() == pytest.approx([0.5, 0.375])


def test_the_best_of_each_level_then_of_all(form):
    scores = np.float32([[0.9], [0.8], [0.7], [0.6], [0.5]])
    at = np.repeat(AT[:1], 5, 0) + np.float32(np.arange(5))[:, None]
    layout = AnchorLayout("none", levels=(3, 2), per_level=2)
    found = anchors((scores, np.zeros((5, 4), np.float32)), at, layout, 0.1, 3)
    assert found.scores.tolist() == scores[[0, 1, 3], 0].tolist()
    assert found.total == 5


def test_ties_go_anchor_by_anchor(form):
    found = anchors((np.full((3, 2), 0.5, np.float32), ZERO), AT, AnchorLayout("none"), 0.5, 4)
    assert found.ids.tolist() == [0, 1, 0, 1]
    assert found.boxes[:, 0].tolist() == [6, 6, 25, 25]


@pytest.mark.parametrize("score", [0.0, 0.05, 0.3, 0.6])
def test_softmax_equals_ssd_postprocessing(form, rng, score):
    """torchvision's SSD before its NMS: softmax, drop column 0, threshold, decode, clip."""
    count, size = 300, (90, 120)
    logits = rng.normal(0, 2, (count, 5)).astype(np.float32)
    deltas = rng.normal(0, 2, (count, 4)).astype(np.float32)
    at = np.concatenate([rng.uniform(0, 90, (count, 2)), rng.uniform(8, 60, (count, 2))], 1)
    layout = AnchorLayout("softmax", 0, (0.1, 0.1, 0.2, 0.2), clip=size)
    found = anchors((logits, deltas), at.astype(np.float32), layout, score, 10_000)
    wanted = ssd(logits, deltas, at, size, score)
    assert found.total == len(wanted[0])
    assert found.ids.tolist() == wanted[1].tolist()
    np.testing.assert_allclose(found.scores, wanted[2], atol=1e-6)
    np.testing.assert_allclose(found.boxes, wanted[0], atol=2e-4)


def test_yxhw_equals_efficientdet(rng):
    """Regression order ty, tx, th, tw on anchors y0, x0, y1, x1, as google/automl decodes."""
    deltas = rng.normal(0, 0.5, (50, 4)).astype(np.float32)
    at = np.concatenate([rng.uniform(0, 90, (50, 2)), rng.uniform(8, 60, (50, 2))], 1)
    boxes = boxes_of(deltas, at.astype(np.float32), AnchorLayout(yxhw=True, clamp=math.inf))
    (ty, tx, th, tw), (xa, ya, wa, ha) = np.float64(deltas).T, at.T
    y, x, h, w = ty * ha + ya, tx * wa + xa, np.exp(th) * ha, np.exp(tw) * wa
    wanted = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1)
    np.testing.assert_allclose(boxes, wanted, atol=2e-4)
