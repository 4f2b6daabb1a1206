"""The CPU twin of keypoint_nms against the published suppressions and a greedy one by hand."""

import numpy as np
import pytest

from edgecv.ops.keypoint_nms import Rule, keypoint_nms
from edgecv.ops.keypoint_nms.cpu import DECIDED, survivors


def simple_nms(scores, radius):
    """What SuperPoint's users run (torch), written from its description."""
    torch = pytest.importorskip("torch")

    def pooled(values):
        return torch.nn.functional.max_pool2d(values, 2 * radius + 1, 1, radius)

    scores = torch.from_numpy(scores)[None, None]
    best = scores == pooled(scores)
    for _ in range(2):
        hidden = pooled(best.float()) > 0
        rest = torch.where(hidden, 0, scores)
        best |= (rest == pooled(rest)) & ~hidden
    return best[0, 0].numpy()


def greedy(scores, threshold, radius):
    """Best first, each hides its window (DeTone et al.): slow and plain."""
    free, kept = scores >= threshold, []
    for at in np.argsort(-scores.ravel(), kind="stable").tolist():
        y, x = divmod(at, scores.shape[1])
        if free[y, x]:
            kept.append(at)
            rows = slice(max(0, y - radius), y + radius + 1)
            free[rows, max(0, x - radius) : x + radius + 1] = False
    return kept


@pytest.mark.parametrize("radius", [0, 1, 4])
def test_equals_simple_nms(form, rng, radius):
    scores = (rng.permutation(60 * 47) + 1).reshape(60, 47).astype(np.float32)
    best = simple_nms(scores, radius)
    best[:2] = best[-2:] = best[:, :2] = best[:, -2:] = False
    index, _ = keypoint_nms(scores, Rule(900, 5000, radius, border=2))
    assert sorted(index.tolist()) == np.flatnonzero(best & (scores >= 900)).tolist()
    assert (np.diff(scores.ravel()[index]) < 0).all()


def test_many_rounds_are_greedy(form, rng):
    scores = (rng.integers(0, 9, (30, 40)) / 8).astype(np.float32)  # plateaus
    index, _ = keypoint_nms(scores, Rule(0.25, 5000, 2, rounds=500, border=0))
    assert index.tolist() == greedy(scores, 0.25, 2)


def test_worked_by_hand(form):
    row = np.float32([[0, 9, 0, 8, 0, 5, 0]])
    assert keypoint_nms(row, Rule(1, 9, 2, rounds=1, border=0))[0].tolist() == [1]
    assert keypoint_nms(row, Rule(1, 9, 2, rounds=2, border=0))[0].tolist() == [1, 5]
    square = row.repeat(3, axis=0)  # the border hides what is beside it, then goes
    assert keypoint_nms(square, Rule(1, 9, 2, rounds=2, border=1))[0].tolist() == []


def test_a_plateau_gives_one_and_nan_none(form):
    scores = np.full((4, 5), 0.5, np.float32)
    scores[0, 0] = np.nan
    index, dropped = keypoint_nms(scores, Rule(0.5, 3, 4, rounds=9, border=0))
    assert (index.tolist(), dropped) == ([1], 0)
    assert keypoint_nms(np.full((3, 3), np.nan, np.float32), Rule(-np.inf, 3))[0].size == 0


def test_the_best_are_kept_and_the_rest_counted(form):
    scores = np.float32([[1, 3, 2, 4]])
    index, dropped = keypoint_nms(scores, Rule(0, 2, 0, border=0))
    assert (index.tolist(), dropped) == ([3, 1], 2)


def test_no_pixels_no_keypoints(form):
    assert keypoint_nms(np.zeros((0, 7), np.float32), Rule(0, 3))[0].size == 0


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_both_forms_keep_the_same(rng, rounds):
    pytest.importorskip("numba")
    from edgecv.ops.keypoint_nms.loops import survivors as compiled

    ranks = np.full(33 * 29, DECIDED, np.int32)
    cells = rng.permutation(len(ranks))[:400]
    ranks[cells] = np.arange(400)
    both = [form(ranks.reshape(33, 29).copy(), cells, 3, rounds) for form in (survivors, compiled)]
    assert both[0].tolist() == both[1].tolist()
    assert both[0].any()
