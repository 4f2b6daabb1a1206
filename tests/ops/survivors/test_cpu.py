"""Survivors by hand, and against numpy's one-liner, in both forms."""

import numpy as np
import pytest

from edgecv.ops.survivors import survivors

NAN = np.nan


def test_by_hand(form):
    index, nan = survivors(np.float32([[1, 5, NAN], [-np.inf, 5.5, -NAN]]), 5)
    assert (index.tolist(), index.dtype, nan) == ([1, 4], np.int64, 2)


def test_columns_before_the_first_are_no_scores(form):
    index, nan = survivors(np.float32([[9, NAN, 1, 7], [9, 9, 8, 2]]), 7, 2)
    assert (index.tolist(), nan) == ([1, 2], 0)


@pytest.mark.parametrize("shape", [(1, 1), (3, 85), (7, 300), (1, 512), (2, 5000), (0, 4), (3, 0)])
@pytest.mark.parametrize("threshold", [-np.inf, 0.5, 0.99, np.inf])
@pytest.mark.parametrize("first", [0, 4])
def test_equals_numpy(form, rng, shape, threshold, first):
    scores = rng.uniform(0, 1, shape).astype(np.float32)
    scores[rng.uniform(0, 1, shape) < 0.01] = NAN
    first = min(first, shape[1])
    wanted = np.flatnonzero(scores[:, first:].reshape(-1) >= np.float32(threshold))
    index, nan = survivors(scores, threshold, first)
    assert np.array_equal(index, wanted)
    assert nan == np.isnan(scores[:, first:]).sum()


def test_every_score_may_survive(form):
    index, _ = survivors(np.ones((40, 256), np.float32), 1)
    assert np.array_equal(index, np.arange(40 * 256))
