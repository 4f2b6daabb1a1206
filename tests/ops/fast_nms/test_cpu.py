"""Fast NMS by hand and against the paper's words in loops."""

import numpy as np

from edgecv.ops.fast_nms import MOST, fast_nms
from edgecv.ops.nms import nms

I64 = np.int64


def kept(boxes, ids=None, iou=0.5, limit=100):
    boxes = np.float32(boxes).reshape(-1, 4)
    ids = np.zeros(len(boxes), I64) if ids is None else np.array(ids, I64)
    return fast_nms(boxes, ids, iou, limit).tolist()


def test_a_dropped_box_drops_others():
    chain = [[0, 0, 10, 10], [0, 4, 10, 14], [0, 8, 10, 18]]  # 1 overlaps both its neighbours
    assert kept(chain, iou=0.4) == [0]
    assert nms(np.float32(chain), np.zeros(3, I64), 0.4, 9).tolist() == [0, 2]


def test_classes_apart_and_the_limit_of_all_together():
    boxes = [[0, 0, 10, 10]] * 3 + [[20, 0, 30, 10]]
    assert kept(boxes, ids=[0, 1, 0, 1]) == [0, 1, 3]
    assert kept(boxes, ids=[0, 1, 0, 1], limit=2) == [0, 1]
    assert kept(np.zeros((0, 4))) == []


def test_equals_the_papers_words(rng):
    corner = rng.uniform(0, 60, (150, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 40, (150, 2))], 1).astype(np.float32)
    ids = rng.integers(0, 3, 150)
    wanted = [
        i
        for i in range(150)
        if all(ids[i] != ids[j] or overlap(boxes[i], boxes[j]) <= 0.3 for j in range(i))
    ]
    assert kept(boxes, ids, 0.3) == wanted
    assert set(wanted) <= set(nms(boxes, ids, 0.3, 150).tolist())


def overlap(a, b):
    a, b = a.astype(float), b.astype(float)
    common = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0).prod()
    return common / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common)


def test_only_the_best_of_a_class_enter():
    boxes = np.stack([[i, 0, i + 1, 1] for i in range(MOST + 50)])
    assert kept(boxes, limit=1000) == list(range(MOST))
