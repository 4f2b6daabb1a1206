"""R-CNN's second stage on the device against its CPU twin."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.roi_boxes import OP, BoxRule, roi_boxes
from edgecv.ops.roi_boxes.cuda import RoiBoxesPlan
from tests.cuda.capture import assert_capturable

AREAS = np.float32([[0, 4, 60, 44], [0, 0, 64, 64]])
COUNTS = np.int32([7, 4])


def case(rng, columns=16, classes=3, k=7, dtype="float32"):
    corner = rng.uniform(0, 30, (2, k, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(2, 30, (2, k, 2))], 2).astype(np.float32)
    deltas = rng.normal(0, 2, (2 * k, columns)).astype(dtype)
    return rng.normal(0, 2, (2 * k, classes + 1)).astype(dtype), deltas, boxes


def on_device(session, logits, deltas, boxes, rule):
    raw = session.upload(logits), session.upload(deltas)
    given = session.upload(boxes), session.upload(COUNTS), session.upload(AREAS)
    plan = RoiBoxesPlan(session, raw, 2, rule)
    found = assert_capturable(
        session,
        lambda stream: plan.enqueue(stream, *given),
        [*plan.outputs, plan.count, plan.total],
    )
    plan.close()
    for array in (*raw, *given):
        array.free()
    return found


def check(found, logits, deltas, boxes, rule):
    device_boxes, scores, ids, counts, totals = found
    for b, count in enumerate(COUNTS):
        rows = slice(7 * b, 7 * b + count)
        own = logits[rows].astype(np.float32), deltas[rows].astype(np.float32)
        wanted = roi_boxes(*own, boxes[b, :count], AREAS[b], rule)
        n = len(wanted.boxes)
        assert (counts[b], totals[b]) == (n, wanted.total)
        assert ids[b, :n].tolist() == wanted.ids.tolist()
        np.testing.assert_allclose(device_boxes[b, :n], wanted.boxes, atol=OP.atol)
        np.testing.assert_allclose(scores[b, :n], wanted.scores, atol=1e-6)
        assert (ids[b, n:] == -1).all()


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_equals_the_cpu_twin(session, rng, dtype):
    given = case(rng, dtype=dtype)
    rule = BoxRule(score=0.1)
    check(on_device(session, *given, rule), *given, rule)


@pytest.mark.parametrize("session", ["shuffled"], indirect=True)
@pytest.mark.parametrize("columns", [16, 12, 4], ids=["with-background", "without", "agnostic"])
@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(BoxRule(score=0.05, background_last=True), id="last"),
        pytest.param(BoxRule(score=0.05, limit=5), id="few"),
        pytest.param(BoxRule(score=0.0, smallest=20.0), id="large"),
        pytest.param(BoxRule(score=1.0), id="none"),
    ],
)
def test_layouts_and_limits(session, rng, columns, rule):
    given = case(rng, columns)
    given[0][0, 1] = np.nan
    given[1][1] = np.nan
    check(on_device(session, *given, rule), *given, rule)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_refuses_other_columns(session):
    raw = session.empty((4, 3), "float32"), session.empty((4, 9), "float32")
    with pytest.raises(ShapeError, match="roi_boxes needs"):
        RoiBoxesPlan(session, raw, 1, BoxRule())
    for array in raw:
        array.free()
