"""Dense boxes by hand, and every layout against loops written from the contract."""

import itertools

import numpy as np
import pytest

from edgecv.ops.dense_boxes import DenseLayout, dense_boxes
from tests.ops.dense_boxes.oracle import literal

LAYOUTS = [DenseLayout(*flags) for flags in itertools.product((False, True), repeat=5)]


def name(layout):
    return "-".join(key for key, on in layout._asdict().items() if on) or "plain"


def test_by_hand(form):
    points = np.float32(
        [
            [10, 20, 4, 8, 0.5, 0.9],  # centre (10, 20), 4 wide, 8 high
            [30, 30, 2, 2, 0.7, 0.1],
            [50, 50, 2, 2, 0.2, 0.3],
        ]
    )
    found = dense_boxes(points.T, DenseLayout(), 0.5, 10)
    assert found.boxes.tolist() == [[8, 16, 12, 24], [29, 29, 31, 31], [8, 16, 12, 24]]
    assert found.ids.tolist() == [1, 0, 0]
    assert found.scores.tolist() == np.float32([0.9, 0.7, 0.5]).tolist()
    assert (found.total, found.nan) == (3, 0)


def test_objectness_times_class_by_hand(form):
    points = np.float32(
        [
            [0, 0, 2, 2, 0.5, 1.0, 0.4],  # 0.5 and 0.2
            [8, 8, 2, 2, 0.2, 1.0, 1.0],  # no object: its classes are not looked at
            [4, 4, 2, 2, 1.0, 0.25, 0.75],
        ]
    )
    layout = DenseLayout(channels_last=True, objectness=True, multi_label=False)
    found = dense_boxes(points, layout, 0.25, 10)
    assert found.boxes.tolist() == [[3, 3, 5, 5], [-1, -1, 1, 1]]
    assert found.ids.tolist() == [1, 0]
    assert found.scores.tolist() == [0.75, 0.5]


def test_single_label_keeps_the_lower_of_equal_classes(form):
    table = np.float32([[1, 1, 2, 2, 0.5, 0.8, 0.8]]).T
    found = dense_boxes(table, DenseLayout(multi_label=False), 0.25, 10)
    assert (found.ids.tolist(), found.total) == ([1], 1)


def test_nan_never_survives_and_is_counted(form):
    table = np.float32([[1, 1, 2, 2, np.nan, 0.8], [1, 1, 2, 2, 0.1, -np.nan]]).T
    found = dense_boxes(table, DenseLayout(), 0.0, 10)
    assert found.ids.tolist() == [1, 0]
    assert (found.total, found.nan) == (2, 2)


def test_k_keeps_the_best_and_counts_the_rest(form, rng):
    table = rng.uniform(0, 1, (6, 50)).astype(np.float32)
    found = dense_boxes(table, DenseLayout(), 0.0, 7)
    assert found.scores.tolist() == sorted(table[4:].ravel().tolist(), reverse=True)[:7]
    assert found.total == 100


@pytest.mark.parametrize("layout", LAYOUTS, ids=name)
def test_equals_the_contract_read_literally(form, rng, layout):
    points, classes = 61, 3
    rows = rng.uniform(0, 64, (points, layout.first + classes)).astype(np.float32)
    rows[:, 4:] = rng.integers(0, 9, rows[:, 4:].shape) / 8  # many ties
    if layout.logits:
        rows[:, 4:] = rows[:, 4:] * 6 - 3
    found = dense_boxes(rows if layout.channels_last else rows.T, layout, 0.3, 1000)
    wanted = literal(rows, layout, 0.3)
    assert found.ids.tolist() == [row[1] for row in wanted]
    assert found.total == len(wanted)
    np.testing.assert_allclose(found.scores, [row[0] for row in wanted], atol=1e-6)
    np.testing.assert_allclose(found.boxes, [row[2] for row in wanted], atol=1e-4)
