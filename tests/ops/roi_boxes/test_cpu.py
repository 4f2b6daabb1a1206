"""R-CNN's second stage against its steps in plain loops."""

import math

import numpy as np
import pytest

from edgecv.ops.roi_boxes import BoxRule, roi_boxes
from edgecv.ops.roi_boxes.cpu import probabilities

AREA = np.float32([0, 4, 60, 44])


def case(rng, k=7, classes=3, columns=None):
    corner = rng.uniform(0, 30, (k, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(2, 30, (k, 2))], 1).astype(np.float32)
    columns = 4 * (classes + 1) if columns is None else columns
    deltas = rng.normal(0, 2, (k, columns)).astype(np.float32)
    return rng.normal(0, 2, (k, classes + 1)).astype(np.float32), deltas, boxes


def by_definition(logits, deltas, boxes, rule):
    rows = []
    for k, row in enumerate(logits.astype(float)):
        share = np.exp(row) / np.exp(row).sum()
        foreground = range(len(row) - 1) if rule.background_last else range(1, len(row))
        for c, column in enumerate(foreground):
            own = deltas[k].astype(float)
            if len(own) == 4 * len(row):
                own = own[4 * column : 4 * column + 4]
            elif len(own) > 4:
                own = own[4 * c : 4 * c + 4]
            x0, y0, x1, y1 = boxes[k].astype(float)
            w, h = x1 - x0, y1 - y0
            cx, cy = x0 + w / 2 + own[0] / 10 * w, y0 + h / 2 + own[1] / 10 * h
            w, h = w * math.exp(min(own[2] / 5, 4.135)), h * math.exp(min(own[3] / 5, 4.135))
            box = np.array([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
            box = np.clip(box, AREA[[0, 1] * 2], AREA[[2, 3] * 2])
            if share[column] >= rule.score and min(box[2:] - box[:2]) >= rule.smallest:
                rows.append((-share[column], c, box))
    return sorted(rows, key=lambda row: row[0])


@pytest.mark.parametrize("columns", [16, 12, 4], ids=["with-background", "without", "agnostic"])
@pytest.mark.parametrize("last", [False, True], ids=["first", "last"])
def test_equals_the_published_steps(rng, columns, last):
    logits, deltas, boxes = case(rng, columns=columns)
    rule = BoxRule(score=0.1, background_last=last)
    found = roi_boxes(logits, deltas, boxes, AREA, rule)
    wanted = by_definition(logits, deltas, boxes, rule)
    assert found.ids.tolist() == [c for _, c, _ in wanted]
    assert found.total == len(wanted) > 3
    np.testing.assert_allclose(found.scores, [-s for s, _, _ in wanted], rtol=1e-5)
    np.testing.assert_allclose(found.boxes, np.stack([box for _, _, box in wanted]), atol=1e-4)


def test_the_limit_keeps_the_best_and_counts_the_rest(rng):
    logits, deltas, boxes = case(rng)
    everything = roi_boxes(logits, deltas, boxes, AREA, BoxRule(score=0.05))
    few = roi_boxes(logits, deltas, boxes, AREA, BoxRule(score=0.05, limit=4))
    assert few.scores.tolist() == everything.scores[:4].tolist()
    assert few.total == everything.total


def test_small_boxes_are_dropped(rng):
    logits, deltas, boxes = case(rng)
    boxes[:] = [0, 0, 3, 2]  # all above the picture
    deltas[:] = 0
    assert len(roi_boxes(logits, deltas, boxes, AREA, BoxRule(score=0)).boxes) == 0


def test_nothing_and_nan(rng):
    logits, deltas, boxes = case(rng)
    assert roi_boxes(logits[:0], deltas[:0], boxes[:0], AREA, BoxRule()).total == 0
    logits[:, 1] = np.nan
    assert roi_boxes(logits, deltas, boxes, AREA, BoxRule(score=0)).total == 0


def test_softmax_does_not_overflow():
    row = np.float32([[1000, 999, -1000]])
    np.testing.assert_allclose(probabilities(row)[0], [0.7310586, 0.2689414, 0], atol=1e-6)
