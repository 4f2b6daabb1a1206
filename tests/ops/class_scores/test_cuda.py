"""Class scores on the device: equal to scipy's and to the CPU twin's."""

import numpy as np
import pytest

from edgecv.ops.class_scores import OP, class_scores
from edgecv.ops.class_scores.cuda import ClassScoresPlan
from tests.cuda.capture import assert_capturable

special = pytest.importorskip("scipy.special")
ORACLES = {"softmax": special.softmax, "sigmoid": special.expit, "none": lambda x: x}


def run(session, logits, k, activation):
    batch, classes = logits.shape
    plan = ClassScoresPlan(session, batch=batch, classes=classes, k=k, activation=activation)
    device = session.upload(logits)
    return assert_capturable(
        session, lambda stream: plan.enqueue(stream, device), (plan.ids, plan.scores)
    )


@pytest.mark.parametrize("activation", ORACLES)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(("batch", "classes", "k"), [(3, 1000, 5), (1, 2, 5), (2, 5001, 3)])
def test_both_twins_equal_scipy(session, rng, batch, classes, k, activation, dtype):
    logits = rng.normal(0, 6, (batch, classes)).astype(dtype)
    got_ids, got_scores = run(session, logits, k, activation)
    for i, row in enumerate(logits.astype(np.float32)):
        best = np.argsort(-row, kind="stable")[:k]
        wanted = ORACLES[activation](row.astype(float))[best]
        ids, scores = class_scores(row, k, activation)
        assert ids.tolist() == got_ids[i].tolist() == best.tolist()
        np.testing.assert_allclose(scores, wanted, rtol=1e-6, atol=OP.atol)
        np.testing.assert_allclose(got_scores[i], scores, rtol=1e-6, atol=OP.atol)


def test_large_logits_do_not_overflow(session):
    _, scores = run(session, np.float32([[1e4, -1e4, 9e3]]), 3, "softmax")
    assert scores.tolist() == [[1, 0, 0]]
    _, scores = run(session, np.float32([[-200, 0, 200]]), 3, "sigmoid")
    assert scores.tolist() == [[1, 0.5, 0]]


def test_nan_and_infinity(session):
    nan = float("nan")
    logits = np.float32([[1, nan, 2], [nan] * 3, [-np.inf, 0, -np.inf], [np.inf, 0, 1]])
    ids, scores = run(session, logits, 3, "softmax")
    for i, row in enumerate(logits):
        wanted_ids, wanted = class_scores(row, 3)
        assert ids[i].tolist() == wanted_ids.tolist()
        np.testing.assert_array_equal(scores[i], wanted)
    assert ids[0].tolist() == [2, 0, 1]
    assert scores[2].tolist() == [1, 0, 0]
