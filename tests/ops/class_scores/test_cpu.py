"""The best classes by hand and against scipy; extremes without overflow."""

import numpy as np
import pytest

from edgecv.ops.class_scores import OP, class_scores

special = pytest.importorskip("scipy.special")
ORACLES = {"softmax": special.softmax, "sigmoid": special.expit, "none": lambda x: x}


def test_by_hand():
    ids, scores = class_scores(np.log(np.float32([1, 2, 4, 1])), 3)
    assert ids.tolist() == [2, 1, 0]  # of equal classes the lower id first
    assert scores.tolist() == pytest.approx([0.5, 0.25, 0.125])


@pytest.mark.parametrize("activation", ORACLES)
@pytest.mark.parametrize(("classes", "k"), [(1000, 5), (2, 5), (1, 1)])
def test_equals_scipy(rng, classes, k, activation):
    row = rng.normal(0, 6, classes).astype(np.float32)
    ids, scores = class_scores(row, k, activation)
    best = np.argsort(-row, kind="stable")[:k]
    assert (ids.tolist(), ids.dtype) == (best.tolist(), np.int64)
    wanted = ORACLES[activation](row.astype(float))[best]
    np.testing.assert_allclose(scores, wanted, rtol=1e-6, atol=OP.atol)
    assert scores.dtype == np.float32


def test_large_logits_do_not_overflow():
    assert class_scores(np.float32([1e4, -1e4, 9e3]), 3)[1].tolist() == [1, 0, 0]
    assert class_scores(np.float32([-200, 0, 200]), 3, "sigmoid")[1].tolist() == [1, 0.5, 0]


def test_nan_counts_as_least_and_spoils_the_softmax():
    ids, scores = class_scores(np.float32([1, np.nan, 2]), 3)
    assert ids.tolist() == [2, 0, 1]
    assert np.isnan(scores).all()
    ids, scores = class_scores(np.float32([1, np.nan, 2]), 2, "sigmoid")
    assert ids.tolist() == [2, 0]
    np.testing.assert_allclose(scores, special.expit([2, 1]), rtol=1e-6)
