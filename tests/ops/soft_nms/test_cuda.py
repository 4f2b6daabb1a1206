"""SoftNmsPlan against the CPU twin, which test_cpu.py holds to the paper."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.soft_nms import OP, PER_CLASS, Decay, soft_nms
from edgecv.ops.soft_nms.cuda import SoftNmsPlan
from tests.cuda.capture import assert_capturable
from tests.ops.soft_nms.crowds import DECAYS, ODD, ODD_SCORES, crowd

GPU = pytest.param("gpu", marks=pytest.mark.gpu)


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


@pytest.mark.parametrize("decay", DECAYS, ids=str)
def test_the_device_equals_the_cpu(session, rng, decay):
    images = [crowd(rng, 70, 4) for _ in range(2)]
    boxes, scores, ids = (np.stack(part) for part in zip(*images, strict=True))
    found = on_device(session, boxes, scores, ids, decay, count=[70, 41])
    for i, n in enumerate((70, 41)):
        wanted = soft_nms(boxes[i, :n], scores[i, :n], ids[i, :n], decay)
        assert len(wanted.keep) > 9
        same(found[i], wanted, exact=decay.kind == "linear")


def test_limit_ties_and_identical_boxes(session):
    boxes = np.float32([[0, 0, 10, 10]] * 3 + [[20, 0, 30, 10], [40, 0, 50, 10]])
    scores, ids = np.full(5, 0.5, np.float32), np.zeros(5, np.int64)
    decay = Decay("linear", iou=0.5, floor=0.1, limit=2)
    wanted = soft_nms(boxes, scores, ids, decay)
    assert wanted.keep.tolist() == [0, 3]
    same(on_device(session, boxes[None], scores[None], None, decay)[0], wanted, exact=True)


@pytest.mark.parametrize("decay", [Decay("linear", iou=0.1), Decay("gaussian")], ids=str)
def test_odd_boxes_and_scores(session, decay):
    wanted = soft_nms(ODD, ODD_SCORES, np.zeros(10, np.int64), decay)
    same(on_device(session, ODD[None], ODD_SCORES[None], None, decay)[0], wanted, exact=False)


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


def test_refuses_empty_capacities():
    with pytest.raises(ShapeError, match="classes >= 1"):
        SoftNmsPlan(None, batch=1, n=5, classes=0, decay=Decay())
