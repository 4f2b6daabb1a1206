"""TopKPlan against a sort in plain Python and against the CPU twin."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.topk import topk
from edgecv.ops.topk.cuda import TopKPlan
from tests.cuda.capture import assert_capturable

NAN, INF = float("nan"), float("inf")
GPU = pytest.param("gpu", marks=pytest.mark.gpu)


def best(scores, k, threshold=None):
    """Indices by the contract's words, and how many candidates there were."""
    value = np.where(np.isnan(scores), -INF, scores.astype(np.float64))
    able = [
        i
        for i, s in enumerate(scores)
        if threshold is None or np.float32(s) >= np.float32(threshold)
    ]
    return sorted(able, key=lambda i: (-value[i], i))[:k], len(able)


def run(session, scores, k, threshold=None, count=None, **layout):
    """(index, value, kept, total) of a plan enqueued twice: a workspace must be left clean."""
    rows, n = scores.shape
    n = layout.pop("n", n)
    plan = TopKPlan(session, batch=rows, n=n, k=k, threshold=threshold, **layout)
    values, stream = session.upload(scores), session.stream()
    real = None if count is None else session.upload(np.array(count, np.int32))
    for _ in range(2):
        plan.enqueue(stream, values, real)
    found = [session.download(array) for array in (plan.index, plan.value, plan.kept, plan.total)]
    plan.close()
    return found


def check(session, scores, k, threshold=None, count=None):
    index, value, kept, total = run(session, scores, k, threshold, count)
    for row, all_scores in enumerate(scores):
        real = all_scores if count is None else all_scores[: count[row]]
        wanted, able = best(real, k, threshold)
        m = len(wanted)
        assert (kept[row], total[row]) == (m, able)
        assert index[row].tolist() == wanted + [-1] * (k - m)
        at = real[wanted].astype(np.float32)
        assert value[row, :m].tolist() == np.where(np.isnan(at), -INF, at).tolist()
        assert (value[row, m:] == -INF).all()


def levels(rng, shape, steps, dtype=np.float32):
    """Scores with ties, some NaN and infinities among them."""
    scores = (rng.integers(-steps, steps, shape) / steps).astype(dtype)
    for special in (NAN, INF, -INF):
        scores[rng.random(shape) < 0.02] = special
    return scores


@pytest.mark.parametrize(
    ("shape", "k"), [((1, 10), 5), ((3, 77), 100), ((2, 1000), 5), ((1, 4096), 40)], ids=str
)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_short_rows(session, rng, shape, k, dtype):
    check(session, levels(rng, shape, 30, dtype), k)


@pytest.mark.parametrize("steps", [2, 5000], ids=["many-ties", "few-ties"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_long_rows(session, rng, steps, dtype):
    check(session, levels(rng, (2, 5003), steps, dtype), 300)


@pytest.mark.parametrize("threshold", [-INF, 0.0, 0.5, 0.99, 2.0])
@pytest.mark.parametrize("n", [200, 4200])
def test_threshold_is_inclusive_and_nan_never_reaches_it(session, rng, threshold, n):
    check(session, levels(rng, (2, n), 8), 64, threshold)


@pytest.mark.parametrize("n", [100, 4600])
def test_only_the_first_scores_count(session, rng, n):
    check(session, levels(rng, (3, n), 50), 70, 0.1, count=[n - 1, 0, 33])


def test_exactly_k_candidates_and_one_more(session, rng):
    scores = np.zeros((2, 4500), np.float32)
    scores[0, rng.permutation(4500)[:64]] = 0.5
    scores[1, rng.permutation(4500)[:65]] = 0.5
    check(session, scores, 64, 0.5)


@pytest.mark.parametrize("session", ["forward", "shuffled", GPU], indirect=True)
def test_more_than_a_block_sorts(session, rng):
    check(session, levels(rng, (2, 6000), 40), 5000)
    check(session, levels(rng, (1, 4200), 3000), 4200, 0.25, count=[4100])


@pytest.mark.parametrize("session", ["forward", GPU], indirect=True)
@pytest.mark.parametrize(
    ("n", "k", "threshold"),
    [
        pytest.param(8400 * 80, 4096, 0.25, id="predict"),
        pytest.param(60_000, 30_000, 0.001, id="validate"),
    ],
)
def test_equals_the_cpu_twin_on_a_dense_head(session, rng, n, k, threshold):
    scores = rng.random((1, n), np.float32) ** 8
    index, _, kept, total = run(session, scores, k, threshold)
    able = np.flatnonzero(scores[0] >= np.float32(threshold))
    wanted = able[topk(scores[0, able], k)].tolist()
    assert (kept[0], total[0]) == (len(wanted), len(able))
    assert index[0, : len(wanted)].tolist() == wanted


def test_zeros_are_equal(session):
    index, value, _, _ = run(session, np.float32([[-0.0, 0.0, -1]]), 3)
    assert index[0].tolist() == [0, 1, 2]
    assert not np.signbit(value[0, 0])


def test_another_threshold_between_frames(session):
    plan = TopKPlan(session, batch=1, n=4, k=4, threshold=0.5)
    values, stream = session.upload(np.float32([[0.1, 0.9, NAN, 0.4]])), session.stream()
    host = session.pinned((1,), "float32")
    found = []
    for threshold in (0.3, NAN):  # NaN: all, and NaN scores last
        host[0] = threshold
        plan.threshold.upload(host, stream)
        plan.enqueue(stream, values)
        found.append(session.download(plan.index)[0].tolist())
    assert found == [[1, 3, -1, -1], [1, 3, 0, 2]]


@pytest.mark.parametrize(("n", "k"), [(300, 20), (5000, 20), (5000, 4500)])
@pytest.mark.parametrize("session", ["forward", GPU], indirect=True)
def test_a_plan_only_launches(session, rng, n, k):
    plan = TopKPlan(session, batch=2, n=n, k=k)
    values = session.upload(rng.random((2, n), np.float32))
    outputs = (plan.index, plan.value, plan.kept, plan.total)
    assert_capturable(session, lambda stream: plan.enqueue(stream, values), outputs)


def test_rows_inside_a_larger_tensor(session, rng):
    tensor = rng.random((2, 7 * 40)).astype(np.float32)  # 4 rows of boxes, then 3 of scores
    index, _, _, _ = run(session, tensor, 9, n=120, within=(160, 280))
    for row in range(2):
        assert index[row].tolist() == topk(tensor[row, 160:], 9).tolist()


@pytest.mark.parametrize("sizes", [(0, 5, 1), (1, 0, 1), (1, 5, 0)], ids=str)
def test_refuses_empty_capacities(sizes):
    batch, n, k = sizes
    with pytest.raises(ShapeError, match="a top-k plan needs batch, n and k >= 1"):
        TopKPlan(None, batch=batch, n=n, k=k)
