"""Soft-NMS by hand, and both twins against a loop written from the paper."""

import math

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops._jit import DISABLE
from edgecv.ops.soft_nms import OP, PER_CLASS, Decay, soft_nms
from edgecv.ops.soft_nms.cuda import SoftNmsPlan
from tests.cuda.capture import assert_capturable

GPU = pytest.param("gpu", marks=pytest.mark.gpu)
NAN = float("nan")
DECAYS = [
    Decay("linear", iou=0.3),
    Decay("linear", iou=0.0, floor=0.2),
    Decay("gaussian", sigma=0.5),
    Decay("gaussian", sigma=0.1, floor=0.05),
]


@pytest.fixture(params=["numba", "numpy"])
def form(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.setenv(DISABLE, "1")
    else:
        pytest.importorskip("numba")
    return request.param


def iou(a, b):
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    common = np.maximum(sides, 0).prod()
    return common / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common) if common else 0.0


def paper(boxes, scores, ids, decay):
    """Figure 2 of arXiv:1704.04503 in float64, over all classes at once."""
    boxes, left, out = boxes.astype(float), dict(enumerate(scores.astype(float))), []
    while left:
        best = max(left, key=lambda i: (left[i], -i))
        score = left.pop(best)
        if score < decay.floor:
            break
        out.append((best, score))
        for i in left:
            if ids[i] != ids[best]:
                continue
            overlap = iou(boxes[best], boxes[i])
            if decay.kind == "gaussian":
                left[i] *= math.exp(-(overlap**2) / decay.sigma)
            elif overlap >= decay.iou:
                left[i] *= 1 - overlap
    return out[: decay.limit]


def crowd(rng, n, classes, side=60):
    corner = rng.uniform(0, side, (n, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 40, (n, 2))], 1).astype(np.float32)
    scores = np.sort(rng.uniform(0.1, 1, n).astype(np.float32))[::-1].copy()
    return boxes, scores, rng.integers(0, classes, n)


def on_device(session, boxes, scores, ids, decay, *, classes=4, count=None):
    """Index, scores and overflow per image of a batch."""
    batch, n = scores.shape
    count = [n] * batch if count is None else count
    given = [boxes, scores, None if ids is None else ids.astype(np.int32), np.int32(count)]
    device = [None if array is None else session.upload(np.asarray(array)) for array in given]
    plan = SoftNmsPlan(session, batch=batch, n=n, classes=classes, decay=decay)
    index, value, kept, overflow = assert_capturable(
        session,
        lambda stream: plan.enqueue(stream, *device),
        (plan.index, plan.scores, plan.kept, plan.overflow),
    )
    plan.close()
    return [(index[i, :m], value[i, :m], int(overflow[i])) for i, m in enumerate(kept)]


def same(got, wanted, exact):
    (index, scores, overflow), want = got, wanted
    assert (index.tolist(), overflow) == (want.keep.tolist(), want.overflow)
    if exact:
        assert scores.tobytes() == want.scores.tobytes()
    np.testing.assert_allclose(scores, want.scores, rtol=0, atol=OP.atol)


def test_by_hand(form):
    boxes = np.float32([[0, 0, 10, 10], [0, 0, 10, 5], [0, 0, 10, 10], [50, 0, 60, 10]])
    scores, ids = np.float32([0.8, 0.6, 0.5, 0.4]), np.int64([0, 0, 1, 0])
    found = soft_nms(boxes, scores, ids, Decay("linear", iou=0.5))  # the second overlaps by half
    assert found.keep.tolist() == [0, 2, 3, 1]
    assert found.scores.tolist() == pytest.approx([0.8, 0.5, 0.4, 0.3])
    found = soft_nms(boxes, scores, ids, Decay("linear", iou=0.6))
    assert found.keep.tolist() == [0, 1, 2, 3]
    found = soft_nms(boxes, scores, ids, Decay("gaussian", sigma=0.25))
    assert found.scores.tolist() == pytest.approx([0.8, 0.5, 0.4, 0.6 / math.e])


@pytest.mark.parametrize("decay", DECAYS, ids=str)
def test_equals_the_paper(form, rng, decay):
    boxes, scores, ids = crowd(rng, 120, 3)
    found = soft_nms(boxes, scores, ids, decay)
    wanted = paper(boxes, scores, ids, decay)
    assert found.keep.tolist() == [i for i, _ in wanted]
    np.testing.assert_allclose(found.scores, [s for _, s in wanted], rtol=1e-5)


@pytest.mark.parametrize("decay", DECAYS, ids=str)
def test_the_device_equals_the_cpu(session, rng, decay):
    images = [crowd(rng, 70, 4) for _ in range(2)]
    boxes, scores, ids = (np.stack(part) for part in zip(*images, strict=True))
    found = on_device(session, boxes, scores, ids, decay, count=[70, 41])
    for i, n in enumerate((70, 41)):
        wanted = soft_nms(boxes[i, :n], scores[i, :n], ids[i, :n], decay)
        assert len(wanted.keep) > 9
        same(found[i], wanted, exact=decay.kind == "linear")


def test_limit_ties_and_identical_boxes(session, form):
    boxes = np.float32([[0, 0, 10, 10]] * 3 + [[20, 0, 30, 10], [40, 0, 50, 10]])
    scores, ids = np.full(5, 0.5, np.float32), np.zeros(5, np.int64)
    decay = Decay("linear", iou=0.5, floor=0.1, limit=2)
    wanted = soft_nms(boxes, scores, ids, decay)
    assert wanted.keep.tolist() == [0, 3]  # copies of the first fall to 0
    same(on_device(session, boxes[None], scores[None], None, decay)[0], wanted, exact=True)


@pytest.mark.parametrize("decay", [Decay("linear", iou=0.1), Decay("gaussian")], ids=str)
def test_odd_boxes_and_scores(session, form, decay):
    inf = float("inf")
    odd = [[5, 5, 5, 5], [NAN, 0, 9, 9], [9, 0, 1, 10], [-inf, 0, inf, 9], [0, 0, 9, 9]]
    boxes = np.float32([*odd, *odd])
    scores = np.float32([0.9, 0.8, 0.7, 0.6, 0.5, NAN, 0.4, 0.3, 0.2, 0.1])
    wanted = soft_nms(boxes, scores, np.zeros(10, np.int64), decay)
    assert set(range(10)) - set(wanted.keep.tolist()) <= {5, 9}  # NaN; and a copy may fall
    assert wanted.scores[:5].tolist() == scores[:5].tolist()
    same(on_device(session, boxes[None], scores[None], None, decay)[0], wanted, exact=False)


def test_ids_that_are_no_class_are_dropped(session):
    boxes, scores = np.float32([[0, 0, 9, 9], [20, 0, 29, 9], [40, 0, 49, 9]]), [0.9, 0.8, 0.7]
    plan = SoftNmsPlan(session, batch=1, n=3, classes=4, decay=Decay())
    given = session.upload(boxes[None]), session.upload(np.float32([scores]))
    count, stream, found = session.upload(np.int32([3])), session.stream(), []
    for ids in ([0, 1, 2], [4, -1, 1]):  # nothing of the first frame may stay
        plan.enqueue(stream, *given, session.upload(np.int32([ids])), count)
        found.append(session.download(plan.index)[0, :3].tolist())
    assert found == [[0, 1, 2], [2, -1, -1]]


@pytest.mark.parametrize("session", ["forward", GPU], indirect=True)
def test_a_full_class_is_told(session, rng):
    boxes, scores, _ = crowd(rng, PER_CLASS + 60, 1, side=4000)
    ids = np.zeros(len(boxes), np.int64)
    ids[-20:] = 1
    decay = Decay("linear", limit=12)
    wanted = soft_nms(boxes, scores, ids, decay)
    assert wanted.overflow == 40
    same(on_device(session, boxes[None], scores[None], ids[None], decay)[0], wanted, exact=True)


def test_nothing(form):
    found = soft_nms(np.zeros((0, 4), np.float32), np.float32([]), np.int64([]), Decay())
    assert (found.keep.tolist(), found.scores.tolist(), found.overflow) == ([], [], 0)


def test_refuses(rng):
    boxes, scores, ids = crowd(rng, 5, 2)
    with pytest.raises(ShapeError, match="boxes must be"):
        soft_nms(boxes.astype(float), scores, ids, Decay())
    with pytest.raises(ShapeError, match=r"scores must be \(5,\)"):
        soft_nms(boxes, scores[:4], ids, Decay())
    with pytest.raises(ShapeError, match=r"ids must be \(5,\) int64"):
        soft_nms(boxes, scores, ids.astype(np.int32), Decay())
    with pytest.raises(ValueError, match="sigma > 0"):
        soft_nms(boxes, scores, ids, Decay("gaussian", sigma=0))
    with pytest.raises(ShapeError, match="classes >= 1"):
        SoftNmsPlan(None, batch=1, n=5, classes=0, decay=Decay())
