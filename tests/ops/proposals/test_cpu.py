"""Region proposals by hand and against the published steps in plain loops."""

import math

import numpy as np
import pytest

from edgecv.ops.proposals import Anchors, ProposalRule, proposals

pytestmark = pytest.mark.usefixtures("form")

INPUT = (64, 96)


WHOLE = np.float32([0, 0, 96, 64])


def maps(rng, shapes, a=3):
    scores = [rng.standard_normal((a, *shape)).astype(np.float32) for shape in shapes]
    deltas = [rng.normal(0, 0.4, (4 * a, *shape)).astype(np.float32) for shape in shapes]
    return scores, deltas


def overlap(p, q):
    sides = [min(p[i + 2], q[i + 2]) - max(p[i], q[i]) for i in (0, 1)]
    common = max(sides[0], 0) * max(sides[1], 0)
    return common / ((p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1]) - common)


def by_definition(scores, deltas, area, rule):
    rows = []
    for level, (logits, moves) in enumerate(zip(scores, deltas, strict=True)):
        own = []
        for a, y, x in np.ndindex(logits.shape):
            ratio, size = rule.anchors.ratios[a], rule.anchors.sizes[level]
            w, h = size / math.sqrt(ratio), size * math.sqrt(ratio)
            if rule.anchors.rounded:
                w, h = 2 * round(w / 2), 2 * round(h / 2)
            cx = x * (INPUT[1] // logits.shape[2])
            cy = y * (INPUT[0] // logits.shape[1])
            dx, dy, dw, dh = (float(moves[4 * a + i, y, x]) for i in range(4))
            cx, cy = cx + dx * w, cy + dy * h
            w, h = w * math.exp(min(dw, math.log(62.5))), h * math.exp(min(dh, math.log(62.5)))
            box = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
            own.append((-logits[a, y, x], level, np.clip(box, area[[0, 1] * 2], area[[2, 3] * 2])))
        rows += sorted(own, key=lambda row: row[0])[: rule.before]
    kept = []
    for row in sorted(rows, key=lambda row: row[0]):
        box = row[2]
        large = min(box[2] - box[0], box[3] - box[1]) >= rule.smallest
        if large and all(k[1] != row[1] or overlap(k[2], box) <= rule.iou for k in kept):
            kept.append(row)
    return kept[: rule.limit]


@pytest.mark.parametrize(
    ("rule", "area"),
    [
        pytest.param(ProposalRule(Anchors((8, 16)), iou=0.5), WHOLE, id="all"),
        pytest.param(ProposalRule(Anchors((8, 16)), before=20, limit=9), WHOLE, id="few"),
        pytest.param(
            ProposalRule(Anchors((9, 21), rounded=False), smallest=5),
            np.float32([0, 8, 96, 56]),
            id="letterboxed",
        ),
    ],
)
def test_equals_the_published_steps(rng, rule, area):
    scores, deltas = maps(rng, [(8, 12), (4, 6)])
    found = proposals(scores, deltas, (INPUT, area), rule)
    wanted = by_definition(scores, deltas, area, rule)
    assert found.ids.tolist() == [level for _, level, _ in wanted]
    np.testing.assert_allclose(found.boxes, np.stack([box for _, _, box in wanted]), atol=1e-3)
    logits = np.array([-score for score, _, _ in wanted])
    np.testing.assert_allclose(found.scores, 1 / (1 + np.exp(-logits)), rtol=1e-5)


def test_anchors_of_torchvision():
    assert Anchors().of_level(0).tolist() == [
        [-23, -11, 23, 11], [-16, -16, 16, 16], [-11, -23, 11, 23],
    ]  # fmt: skip
    np.testing.assert_allclose(Anchors(rounded=False).of_level(0)[0, 0], -22.627417)


def test_the_stride_of_an_odd_map_is_rounded_down():
    """torchvision: an 800 pixel input has 13 cells at P6, 61 pixels apart."""
    scores = [np.full((1, 13, 13), -9, np.float32)]
    scores[0][0, 2, 1] = 5
    deltas = [np.zeros((4, 13, 13), np.float32)]
    rule = ProposalRule(Anchors((16,), (1.0,)), limit=1)
    found = proposals(scores, deltas, ((800, 800), np.float32([0, 0, 800, 800])), rule)
    assert found.boxes.tolist() == [[53, 114, 69, 130]]


def test_nan_is_chosen_last_and_dropped(rng):
    scores, deltas = maps(rng, [(2, 2)], a=1)
    scores[0][0, 0, 0] = np.nan
    deltas[0][:, 0, 1] = np.nan
    rule = ProposalRule(Anchors((8,), (1.0,)), iou=1.0)
    found = proposals(scores, deltas, ((16, 16), np.float32([0, 0, 16, 16])), rule)
    assert len(found.boxes) == 3
    assert np.isfinite(found.boxes).all()
