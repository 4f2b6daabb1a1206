"""The CUDA twin: suppression and gathering of what a decoder chose, against the CPU twin."""

import numpy as np
import pytest

from edgecv.ops._candidates import Candidates
from edgecv.ops._chosen import ChosenBoxes
from edgecv.ops.suppression import Suppression, suppression
from edgecv.ops.suppression.cuda import SuppressionPlan
from edgecv.ops.topk.cuda import TopKPlan
from tests.cuda.capture import assert_capturable


def chosen_of(session, rows, k):
    """A decoder's outputs that hold the candidates `rows`, one of each picture."""
    chosen = ChosenBoxes(session, len(rows), k, 3)
    chosen._choose(TopKPlan(session, batch=len(rows), n=k, k=k))
    host = [session.download(array) for array in (*chosen.outputs, chosen.count, chosen.total)]
    for i, row in enumerate(rows):
        n = len(row.boxes)
        for array, values in zip(host, (row.boxes, row.scores, row.ids), strict=False):
            array[i, :n] = values
        host[3][i], host[4][i] = n, row.total
    stream = session.stream()
    for array, values in zip((*chosen.outputs, chosen.count, chosen.total), host, strict=True):
        pinned = session.pinned(values.shape, values.dtype)
        pinned[...] = values
        array.upload(pinned, stream)
    stream.synchronize()
    return chosen


def candidates(rng, n, total):
    corner = rng.uniform(0, 30, (n, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 20, (n, 2))], 1).astype(np.float32)
    scores = np.sort(rng.uniform(0, 1, n).astype(np.float32))[::-1]
    return Candidates(boxes, scores, rng.integers(0, 3, n), total)


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(Suppression(0.4, 20), id="by-class"),
        pytest.param(Suppression(0.4, 20, class_agnostic=True), id="agnostic"),
        pytest.param(Suppression(0.9, 7), id="limit"),
        pytest.param(Suppression(0.4, 500), id="limit-above-capacity"),
        pytest.param(Suppression(0.3, 20, soft="linear", floor=0.2), id="soft-linear"),
        pytest.param(Suppression(0.3, 60, True, "linear"), id="soft-linear-agnostic"),
    ],
)
def test_equals_the_cpu_twin(session, rng, rule):
    rows = [candidates(rng, 60, 90), candidates(rng, 0, 0), candidates(rng, 23, 23)]
    chosen = chosen_of(session, rows, 70)
    plan = SuppressionPlan(session, chosen, rule)
    outputs = (plan.boxes, plan.scores, plan.ids, plan.found)
    boxes, scores, ids, found = assert_capturable(session, plan.enqueue, outputs)
    for i, row in enumerate(rows):
        wanted = suppression(row, rule)
        n = len(wanted.boxes)
        assert found[i].tolist() == [n, row.total - len(row.boxes)]
        assert np.array_equal(boxes[i, :n], wanted.boxes)
        assert np.array_equal(scores[i, :n], wanted.scores)
        assert np.array_equal(ids[i, :n], wanted.ids)
        assert not boxes[i, n:].any()
        assert not scores[i, n:].any()
        assert (ids[i, n:] == -1).all()
    plan.close()
    chosen.close()
