"""NMS by hand and against brute force; both forms give the same boxes."""

import numpy as np
import pytest

from edgecv.ops.nms import nms
from edgecv.ops.nms.cpu import clustered

I64 = np.int64


def kept(boxes, ids=None, iou=0.5, limit=100):
    boxes = np.float32(boxes).reshape(-1, 4)
    ids = np.zeros(len(boxes), I64) if ids is None else np.array(ids, I64)
    return nms(boxes, ids, iou, limit).tolist()


def test_by_hand(form):
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30], [0, 0, 10, 4]]
    assert kept(boxes) == [0, 2, 3]  # overlaps with the first: 0.9, 0, 0.4


def test_overlap_equal_to_the_limit_stays(form):
    assert kept([[0, 0, 10, 10], [0, 0, 10, 5]], iou=0.5) == [0, 1]


def test_classes_do_not_suppress_each_other(form):
    assert kept([[0, 0, 10, 10]] * 3, ids=[0, 1, 0]) == [0, 1]


def test_a_suppressed_box_suppresses_nothing(form):
    chain = [[0, 0, 10, 10], [0, 4, 10, 14], [0, 8, 10, 18]]  # 1 overlaps both its neighbours
    assert kept(chain, iou=0.4) == [0, 2]


def test_empty_boxes_stay(form):
    assert kept([[5, 5, 5, 5]] * 2) == [0, 1]


def test_limit_keeps_the_best(form):
    assert kept([[i, 0, i + 1, 1] for i in range(0, 40, 2)], limit=3) == [0, 1, 2]


def test_no_boxes(form):
    assert kept(np.zeros((0, 4))) == []


@pytest.mark.parametrize("iou", [0.0, 0.3, 0.7, 1.0])
def test_equals_brute_force(form, rng, iou):
    corner = rng.uniform(0, 60, (200, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 40, (200, 2))], 1).astype(np.float32)
    ids = rng.integers(0, 3, 200)
    wanted = []
    for i in range(200):
        if all(ids[i] != ids[j] or overlap(boxes[i], boxes[j]) <= iou for j in wanted):
            wanted.append(i)
    assert kept(boxes, ids, iou, 1000) == wanted


@pytest.mark.parametrize("classes", [1, 7, 9000])
@pytest.mark.parametrize("limit", [3000, 250])
def test_many_equal_the_overlap_matrix(form, rng, classes, limit):
    corner = rng.uniform(0, 500, (2500, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 80, (2500, 2))], 1).astype(np.float32)
    ids = rng.integers(-1, classes, 2500)
    wanted = clustered(boxes, ids, 0.4)[:limit].tolist()
    assert kept(boxes, ids, 0.4, limit) == wanted


def test_boxes_that_overlap_nothing(form):
    nan, inf = float("nan"), float("inf")
    inverted, hole, endless = [9, 0, 1, 10], [0, 0, nan, 10], [-inf, 0, inf, 10]
    odd = [[0, 0, 10, 10], inverted, inverted, hole, hole, endless, endless, [0, 0, 10, 10]]
    assert kept(odd, iou=0.5) == [0, 1, 2, 3, 4, 5, 6]


def overlap(a, b):
    a, b = a.astype(float), b.astype(float)
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    common = np.maximum(sides, 0).prod()
    return common / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common)


@pytest.mark.parametrize("ids", [[-7, 0, -7, 0], [5000, 3, 5000, 3], [0, 4096, 0, 4096]])
def test_any_class_id_serves(form, ids):
    boxes = [[0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 9]]
    assert kept(boxes, ids) == [0, 1]
