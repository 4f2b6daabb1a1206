"""The CUDA twin of match against its CPU twin."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.match import NO_LIMITS, OP, Limits, match
from edgecv.ops.match.cuda import MatchPlan
from tests.cuda.capture import assert_capturable
from tests.ops.match.test_cpu import some

LIMITS = [NO_LIMITS, Limits(ratio=0.9), Limits(0.8, 6.0)]


GPU = pytest.param("gpu", marks=pytest.mark.gpu)


def run(session, pair, counts, limits):
    first, second = pair
    shape = (first.shape[1], second.shape[1], first.shape[2])
    plan = MatchPlan(session, batch=len(first), shape=shape, limits=limits)
    sides = [session.upload(side) for side in pair]
    real = tuple(session.upload(np.int32(count)) for count in counts)
    outputs = (plan.pairs, plan.distances, plan.count)
    found = assert_capturable(session, lambda s: plan.enqueue(s, *sides, real), outputs)
    plan.close()
    return found


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("limits", LIMITS)
def test_cuda_equals_the_cpu_twin(session, rng, limits, dtype):
    both = [some(rng, 70, 131, 19, dtype) for _ in range(2)]
    first, second = (np.stack(side) for side in zip(*both, strict=True))
    first[0, 3, 2], second[1, 5, 0] = np.nan, np.inf
    counts = ((70, 66), (131, 64))
    pairs, distances, count = run(session, (first, second), counts, limits)
    for at, (n, m) in enumerate(zip(*counts, strict=True)):
        wanted, gaps = match(first[at, :n], second[at, :m], limits)
        assert len(wanted) > 5
        assert count[at] == len(wanted)
        assert pairs[at, : len(wanted)].tolist() == wanted.tolist()
        np.testing.assert_allclose(distances[at, : len(wanted)], gaps, atol=OP.atol)
        assert (pairs[at, len(wanted) :] == -1).all()
        assert not distances[at, len(wanted) :].any()


@pytest.mark.parametrize("session", ["shuffled", GPU], indirect=True)
@pytest.mark.parametrize("counts", [((0,), (5,)), ((5,), (0,)), ((1,), (1,))])
def test_cuda_of_few(session, counts):
    sides = (np.ones((1, 5, 4), np.float32), np.zeros((1, 5, 4), np.float32))
    pairs, distances, count = run(session, sides, counts, NO_LIMITS)
    n = int(min(counts[0][0], counts[1][0]) > 0)
    assert count.tolist() == [n]
    assert pairs[0, :n].tolist() == [[0, 0]] * n
    assert distances[0, :n].tolist() == [2.0] * n


@pytest.mark.parametrize("session", ["forward", GPU], indirect=True)
def test_cuda_forgets_the_pictures_before(session, rng):
    plan = MatchPlan(session, batch=1, shape=(5, 5, 4))
    first = rng.random((1, 5, 4)).astype(np.float32)
    stream, sides = session.stream(), (session.upload(first), session.upload(first[:, ::-1].copy()))
    plan.enqueue(stream, sides[0], sides[0])
    assert session.download(plan.pairs)[0].tolist() == [[i, i] for i in range(5)]
    plan.enqueue(stream, sides[1], sides[0])
    assert session.download(plan.pairs)[0].tolist() == [[i, 4 - i] for i in range(5)]
    plan.close()


@pytest.mark.parametrize("session", ["forward", GPU], indirect=True)
@pytest.mark.parametrize("rival", [1, 16, 17, 64, 80])
def test_cuda_finds_the_rival_wherever_it_is(session, rival):
    second = np.full((1, 90, 2), 50, np.float32)
    second[0, 0], second[0, rival] = 1, 1.125
    sides = (np.zeros((1, 1, 2), np.float32), second)
    for ratio, wanted in ((0.8, 0), (0.9, 1)):  # 1 / 1.125 is 0.889
        count = run(session, sides, ((1,), (90,)), Limits(ratio))[2]
        assert count.tolist() == [wanted]


def test_cuda_refuses_what_has_no_size():
    with pytest.raises(ShapeError, match="4096"):
        MatchPlan(None, batch=1, shape=(5000, 3, 4))
