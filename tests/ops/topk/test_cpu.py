"""topk by hand and against a full stable sort."""

import numpy as np
import pytest

from edgecv.ops.topk import topk


def test_ties_go_to_the_lower_index():
    assert topk(np.float32([1, 3, 3, 2, 3]), 2).tolist() == [1, 2]


def test_nan_and_minus_infinity_come_last():
    assert topk(np.float32([np.nan, -np.inf, 1, np.inf]), 4).tolist() == [3, 2, 0, 1]


@pytest.mark.parametrize("n", [2, 2000])
def test_zeros_are_equal(n):
    assert topk(np.float32([-0.0, 0.0] * (n // 2)), n).tolist() == list(range(n))


def test_many_of_every_kind_equal_a_full_sort(rng):
    scores = rng.normal(size=3000).astype(np.float32)
    for special in (np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-42, -1e-42):
        scores[rng.integers(0, 3000, 40)] = special
    value = np.where(np.isnan(scores), -np.inf, scores.astype(float))
    assert topk(scores, 3000).tolist() == sorted(range(3000), key=lambda i: (-value[i], i))


@pytest.mark.parametrize("k", [0, 1, 7, 100, 999, 5000])
@pytest.mark.parametrize("levels", [2, 50, 10**6], ids=["many-ties", "some-ties", "no-ties"])
def test_equals_a_full_sort(rng, k, levels):
    scores = (rng.integers(0, levels, 1000) / levels).astype(np.float32)
    wanted = sorted(range(1000), key=lambda i: (-scores[i], i))[:k]
    assert topk(scores, k).tolist() == wanted


def test_input_is_left_alone():
    scores = np.float32([np.nan, 2])
    topk(scores, 1)
    assert np.isnan(scores[0])
