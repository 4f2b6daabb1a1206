"""Region proposals on the device against their CPU twin, which test_cpu.py holds to loops."""

import numpy as np
import pytest

from edgecv.ops.proposals import OP, Anchors, ProposalRule, proposals
from edgecv.ops.proposals.cuda import ProposalsPlan
from tests.cuda.capture import assert_capturable

INPUT = (32, 48)
AREAS = np.float32([[0, 0, 48, 32], [0, 6, 48, 26]])
SHAPES = [(4, 6), (2, 3)]


def maps(rng, dtype, a=3):
    scores = [rng.standard_normal((2, a, *shape)).astype(dtype) for shape in SHAPES]
    return scores, [rng.normal(0, 0.4, (2, 4 * a, *shape)).astype(dtype) for shape in SHAPES]


def on_device(session, scores, deltas, rule):
    given = [[session.upload(each) for each in side] for side in (scores, deltas)]
    areas = session.upload(AREAS)
    plan = ProposalsPlan(session, *given, INPUT, rule)
    thin = plan.thin
    found = assert_capturable(
        session,
        lambda stream: plan.enqueue(stream, areas),
        [thin.boxes, thin.scores, thin.ids, thin.found],
    )
    plan.close()
    for array in (*given[0], *given[1], areas):
        array.free()
    return found


def check(found, scores, deltas, rule):
    boxes, probabilities, ids, counts = found
    for b in range(2):
        one = [[each[b].astype(np.float32) for each in side] for side in (scores, deltas)]
        wanted = proposals(*one, (INPUT, AREAS[b]), rule)
        n = len(wanted.boxes)
        assert counts[b].tolist() == [n, 0]
        assert ids[b, :n].tolist() == wanted.ids.tolist()
        np.testing.assert_allclose(boxes[b, :n], wanted.boxes, atol=OP.atol)
        np.testing.assert_allclose(probabilities[b, :n], wanted.scores, atol=1e-6)
        assert not boxes[b, n:].any()


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_equals_the_cpu_twin(session, rng, dtype):
    rule = ProposalRule(Anchors((8, 16)), before=30, iou=0.5)
    scores, deltas = maps(rng, dtype)
    check(on_device(session, scores, deltas, rule), scores, deltas, rule)


@pytest.mark.parametrize("session", ["shuffled"], indirect=True)
@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(ProposalRule(Anchors((8, 16)), before=9, limit=4), id="few"),
        pytest.param(ProposalRule(Anchors((8, 16), rounded=False), smallest=9.0), id="large"),
        pytest.param(ProposalRule(Anchors((8, 16)), smallest=99.0), id="none"),
    ],
)
def test_limits(session, rng, rule):
    scores, deltas = maps(rng, "float32")
    deltas[0][0, :, 1, 1] = np.nan
    check(on_device(session, scores, deltas, rule), scores, deltas, rule)
