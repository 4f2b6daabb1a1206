"""The CUDA twin against the CPU twin, which test_cpu.py holds to the papers' formulas."""

import math

import numpy as np
import pytest

from edgecv.ops.anchors import AnchorLayout, anchors
from edgecv.ops.anchors.cuda import AnchorsPlan
from tests.cuda.capture import run_eagerly
from tests.ops.anchors.oracle import ssd
from tests.ops.on_device import chosen_equals, holds

LEVELS = (40, 13, 4)
LAYOUTS = [
    pytest.param(AnchorLayout(), id="retinanet-all"),
    pytest.param(
        AnchorLayout(levels=LEVELS, per_level=11, clip=(48, 70)), id="retinanet-per-level"
    ),
    pytest.param(AnchorLayout("softmax", 0, (0.1, 0.1, 0.2, 0.2), clip=(60, 60)), id="ssd"),
    pytest.param(
        AnchorLayout("softmax", 3, levels=LEVELS, per_level=9, clamp=math.inf), id="softmax-levels"
    ),
    pytest.param(AnchorLayout("none", yxhw=True, clamp=math.inf), id="efficientdet"),
]


def pictures(rng, layout, columns, dtype):
    """Scores and deltas of two pictures with ties, NaN and infinities, and the anchors."""
    count = sum(LEVELS)
    scores = rng.integers(0, 17, (2, count, columns)) / 16
    if layout.activation == "softmax":  # no ties: which of them are chosen would be chance
        scores = rng.uniform(0, 1, scores.shape)
    scores = scores if layout.activation == "none" else scores * 8 - 4
    scores[0, 5], scores[1, 7, 0], scores[1, 9, -1] = np.nan, -np.nan, -np.inf
    deltas = rng.normal(0, 1, (2, count, 4))
    deltas[0, :3, 2] = 50
    at = np.concatenate([rng.uniform(0, 64, (count, 2)), rng.uniform(4, 30, (count, 2))], 1)
    return scores.astype(dtype), deltas.astype(dtype), at.astype(np.float32)


def equals_cpu(session, arrays, layout, score, k):
    scores, deltas, at = arrays
    raw = session.upload(scores), session.upload(deltas)
    plan = AnchorsPlan(session, raw, at, layout, score, k)
    run_eagerly(session, plan.enqueue)
    for i in range(len(scores)):
        picture = (scores[i].astype(np.float32), deltas[i].astype(np.float32))
        wanted = anchors(picture, at, layout, score, k)
        ranked_raw = layout.activation != "softmax"
        chosen_equals(session, plan, i, wanted, atol=2e-6, same_order=ranked_raw)
    plan.close()
    for array in raw:
        array.free()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_equals_the_cpu_twin(session, rng, layout, dtype):
    equals_cpu(session, pictures(rng, layout, 4, dtype), layout, 0.3, 25)


@pytest.mark.parametrize("session", ["shuffled"], indirect=True)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("score", [0.01, 0.99])
def test_all_and_hardly_any_survive(session, rng, layout, score):
    equals_cpu(session, pictures(rng, layout, 4, np.float32), layout, score, 1000)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_softmax_over_more_classes_than_a_warp_has_lanes(session, rng):
    layout = AnchorLayout("softmax", 0)
    scores, deltas, at = pictures(rng, layout, 70, np.float32)
    scores[:, :, 40] += 3
    equals_cpu(session, (scores, deltas, at), layout, 0.1, 25)


@pytest.mark.parametrize("session", ["reverse"], indirect=True)
def test_equals_ssd_postprocessing(session, rng):
    layout = AnchorLayout("softmax", 0, (0.1, 0.1, 0.2, 0.2), clip=(60, 80))
    logits = rng.normal(0, 2, (1, 57, 5)).astype(np.float32)
    deltas = rng.normal(0, 1, (1, 57, 4)).astype(np.float32)
    at = np.concatenate([rng.uniform(0, 60, (57, 2)), rng.uniform(4, 30, (57, 2))], 1)
    at = at.astype(np.float32)
    raw = session.upload(logits), session.upload(deltas)
    plan = AnchorsPlan(session, raw, at, layout, 0.2, 500)
    run_eagerly(session, plan.enqueue)
    boxes, ids, scores = ssd(logits[0], deltas[0], at, (60, 80), 0.2)
    holds(session, plan, 0, list(zip(scores, ids, boxes, strict=True)))
    plan.close()
    for array in raw:
        array.free()
