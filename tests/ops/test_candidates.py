"""Boxes that reached the score: the best, ties, and objectness times classes, by hand."""

import numpy as np
import pytest

from edgecv.ops._candidates import Scored, corners, objects_times_classes

NAN = float("nan")


def scored(rows, nan=0):
    point, ids, value = zip(*rows, strict=True) if rows else ((), (), ())
    return Scored(np.int64(point), np.int64(ids), np.float32(value), nan)


def rows(found):
    return list(zip(found.point.tolist(), found.ids.tolist(), found.value.tolist(), strict=True))


def test_the_best_class_of_each_point_by_point_and_the_lower_of_equal_ones():
    given = scored([(7, 2, 0.5), (3, 1, 0.5), (7, 0, 0.5), (3, 0, 0.25), (5, 4, 1.0)], nan=2)
    found = given.best_of_each()
    assert rows(found) == [(3, 1, 0.5), (5, 4, 1.0), (7, 0, 0.5)]
    assert found.nan == 2
    assert rows(scored([]).best_of_each()) == []


def test_the_k_best_keep_their_order_among_equals():
    given = scored([(0, 0, 0.5), (1, 0, 1.0), (2, 0, 0.5), (3, 0, 0.75)], nan=1)
    assert rows(given.best(3)) == [(1, 0, 1.0), (3, 0, 0.75), (0, 0, 0.5)]
    assert len(given.best(9).point) == 4
    assert given.best(1).nan == 1


@pytest.mark.parametrize("limit", [0.5, 0.0])
def test_objectness_times_class_by_hand(limit):
    objects = np.float32([0.5, 0.25, 1.0, NAN])
    classes = np.float32([[1.0, 0.5], [1.0, 1.0], [0.25, NAN], [1.0, 1.0]])
    asked = []

    def of(gate):
        asked.append(gate.tolist())
        return objects[gate], classes[gate]

    found = objects_times_classes(objects, np.float32(limit), of, 0.25)
    wanted = [(0, 0, 0.5), (0, 1, 0.25), (2, 0, 0.25)]
    if limit == 0:  # the second point passes: both of its classes reach a quarter
        wanted[2:2] = [(1, 0, 0.25), (1, 1, 0.25)]
    assert rows(found) == wanted
    assert found.nan == 2  # an objectness, and a class of a point that passed
    assert asked == [[0, 2] if limit else [0, 1, 2]]


def test_corners_of_a_box_by_hand():
    boxes = corners(np.float32([[10, 20]]), np.float32([[4, 8]]))
    assert (boxes.tolist(), boxes.dtype) == ([[8, 16, 12, 24]], np.float32)
