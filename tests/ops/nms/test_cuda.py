"""NmsPlan: the CPU twin's indices, and a greedy loop written from the contract."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.nms import MAX_CANDIDATES, nms
from edgecv.ops.nms.cuda import NmsPlan
from tests.cuda.capture import assert_capturable

GPU = pytest.param("gpu", marks=pytest.mark.gpu)
NAN, INF = float("nan"), float("inf")


def run(session, boxes, ids, count=None, *, iou=0.5, limit=100, n=None):
    """Kept indices per image; `n` is the plan's capacity (filled with rubbish)."""
    batch, real = boxes.shape[:2]
    n = n or real
    padded = np.full((batch, n, 4), NAN, np.float32)
    padded[:, :real] = boxes
    classes = None
    if ids is not None:
        classes = np.full((batch, n), -7, np.int32)
        classes[:, :real] = ids
        classes = session.upload(classes)
    count = [real] * batch if count is None else count
    device = (session.upload(padded), classes, session.upload(np.array(count, np.int32)))
    plan = NmsPlan(session, batch=batch, n=n, limit=limit, iou=iou)
    keep, kept = assert_capturable(
        session, lambda stream: plan.enqueue(stream, *device), (plan.keep, plan.kept)
    )
    for row, m in zip(keep, kept, strict=True):
        assert (row[m:] == -1).all()
    return [row[:m].tolist() for row, m in zip(keep, kept, strict=True)]


def scattered(rng, shape, side):
    """Boxes of 1..40 pixels in a square, as xyxy."""
    corner = rng.uniform(0, side, (*shape, 2))
    return np.concatenate([corner, corner + rng.uniform(1, 40, (*shape, 2))], -1).astype(np.float32)


def greedy(boxes, ids, iou, limit):
    """The contract's words as loops, in float64."""
    kept = []
    for i, box in enumerate(boxes.astype(float)):
        for j in kept:
            other = boxes[j].astype(float)
            sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
            common = np.maximum(sides, 0).prod()
            union = (box[2:] - box[:2]).prod() + (other[2:] - other[:2]).prod() - common
            if ids[i] == ids[j] and common > iou * union:
                break
        else:
            kept.append(i)
        if len(kept) == limit:
            break
    return kept


CAPACITIES = pytest.mark.parametrize("n", [None, 4097], ids=["mask", "list"])


@CAPACITIES
def test_by_hand(session, n):
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30], [0, 0, 10, 4], [0, 0, 10, 9]]
    ids = [[0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
    assert run(session, np.float32([boxes] * 2), ids, n=n) == [[0, 2, 3, 4], [0, 2, 3]]


@CAPACITIES
@pytest.mark.parametrize("iou", [0.0, 0.3, 0.7, 1.0])
def test_equals_greedy_by_hand(session, rng, n, iou):
    boxes = scattered(rng, (2, 130), 70)
    ids = rng.integers(0, 3, (2, 130))
    wanted = [greedy(*image, iou, 500) for image in zip(boxes, ids, strict=True)]
    assert run(session, boxes, ids, iou=iou, limit=500, n=n) == wanted


@CAPACITIES
def test_without_ids_all_classes_are_one(session, rng, n):
    boxes = scattered(rng, (1, 80), 60)
    assert run(session, boxes, None, n=n) == [greedy(boxes[0], [0] * 80, 0.5, 100)]


@CAPACITIES
def test_counts_and_limit(session, rng, n):
    boxes = scattered(rng, (4, 200), 300)
    ids = np.zeros((4, 200), int)
    count = [200, 0, 65, 1]
    wanted = [greedy(b[:c], i, 0.5, 20) for b, i, c in zip(boxes, ids, count, strict=True)]
    assert len(wanted[0]) == 20
    assert run(session, boxes, ids, count, limit=20, n=n) == wanted


@CAPACITIES
def test_overlap_equal_to_the_limit_stays(session, n):
    boxes = np.float32([[[0, 0, 10, 10], [0, 0, 10, 5]]])
    assert run(session, boxes, [[0, 0]], iou=0.5, n=n) == [[0, 1]]


ODD = np.float32(
    [
        [5, 5, 5, 5],  # empty twice: no overlap
        [5, 5, 5, 5],
        [0, 0, 10, 10],
        [NAN, 0, 10, 10],
        [0, 0, NAN, 10],
        [9, 0, 1, 10],  # inverted: overlaps nothing, though its area is negative
        [9, 9, 1, 1],
        [-INF, 0, INF, 10],
        [0, 0, INF, INF],
        [0, 0, 10, 10],  # a copy of the third
        [3e38, 0, 3.4e38, 3e38],  # area overflows
        [3e38, 0, 3.4e38, 3e38],
    ]
)


@CAPACITIES
@pytest.mark.parametrize("iou", [0.0, 0.5])
def test_odd_boxes(session, n, iou):
    (found,) = run(session, ODD[None], [[0] * len(ODD)], iou=iou, n=n)
    assert found == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11]
    assert found == nms(ODD, np.zeros(len(ODD), np.int64), iou, 100).tolist()


@pytest.mark.parametrize("session", ["forward", "shuffled", GPU], indirect=True)
@pytest.mark.parametrize(("real", "limit"), [(2500, 3000), (2500, 60)])
@pytest.mark.parametrize("n", [None, 4500], ids=["mask", "list"])
def test_equals_the_cpu_twin_on_many(session, rng, real, limit, n):
    boxes, ids = scattered(rng, (1, real), 300), rng.integers(0, 4, (1, real))
    wanted = nms(boxes[0], ids[0], 0.4, limit).tolist()
    assert run(session, boxes, ids, iou=0.4, limit=limit, n=n) == [wanted]


@pytest.mark.parametrize("session", ["forward", GPU], indirect=True)
def test_more_kept_than_are_staged_at_once(session):
    side = np.arange(3000, dtype=np.float32)
    boxes = np.stack([side, side * 0, side + 1, side * 0 + 1], 1)  # a row of squares that touch
    boxes[2999] = boxes[1500]  # suppressed by the second chunk of the list
    assert run(session, boxes[None], None, limit=4000, n=4200) == [list(range(2999))]


@pytest.mark.parametrize("session", ["forward", GPU], indirect=True)
def test_validation_settings(session, rng):
    n = MAX_CANDIDATES
    boxes, ids = scattered(rng, (1, n), 600), rng.integers(0, 80, (1, n))
    wanted = nms(boxes[0], ids[0], 0.7, 300).tolist()
    assert run(session, boxes, ids, iou=0.7, limit=300) == [wanted]


@pytest.mark.parametrize("sizes", [(0, 9, 1), (1, 0, 1), (1, 9, 0), (1, MAX_CANDIDATES + 1, 1)])
def test_refuses_capacities(sizes):
    batch, n, limit = sizes
    with pytest.raises(ShapeError, match=r"n in 1\.\.30000"):
        NmsPlan(None, batch=batch, n=n, limit=limit, iou=0.5)
