"""YOLO v1's grid by hand, and against darknet's get_detection_boxes written as loops."""

import numpy as np
import pytest

from edgecv.ops.yolo_v1 import YoloGrid, yolo_v1
from tests.ops.yolo_v1.oracle import loops


def test_a_box_by_hand(form):
    grid = YoloGrid(side=2, boxes=1, size=(100, 200))
    cells = np.zeros((4, 7), np.float32)
    cells[3] = [0.5, 0.25, 0.5, 0.6, 0.8, 0.25, 0.75]  # row 1, column 1: (1.5 / 2, 1.25 / 2)
    found = yolo_v1(cells.ravel(), grid, 0.3, 10)
    # centre (150, 62.5), size (0.25 * 200, 0.36 * 100)
    assert found.boxes.tolist() == [pytest.approx([125, 44.5, 175, 80.5])]
    assert (found.ids.tolist(), found.scores.tolist()) == ([1], [pytest.approx(0.6)])
    linear = yolo_v1(cells.ravel(), grid._replace(square=False), 0.3, 10)
    assert linear.boxes.tolist() == [pytest.approx([100, 32.5, 200, 92.5])]


@pytest.mark.parametrize("multi_label", [True, False])
@pytest.mark.parametrize("square", [True, False])
@pytest.mark.parametrize("darknet", [True, False])
def test_equals_darknet(form, rng, darknet, square, multi_label):
    grid = YoloGrid(5, 3, (64, 96), square, darknet, multi_label)
    values = rng.uniform(0, 1, 25 * (15 + 4)).astype(np.float32)
    wanted = loops(values, grid, np.float32(0.4))
    if not darknet:  # the same numbers, cell by cell
        classes, there, boxes = np.split(values, [25 * 4, 25 * 7])
        each = np.concatenate([boxes.reshape(25, 3, 4), there.reshape(25, 3, 1)], 2)
        values = np.concatenate([each.reshape(25, 15), classes.reshape(25, 4)], 1).ravel()
    found = yolo_v1(values, grid, 0.4, 1000)
    assert found.total == len(wanted)
    assert found.ids.tolist() == [one[1] for one in wanted]
    assert found.scores.tolist() == [one[0] for one in wanted]
    np.testing.assert_allclose(found.boxes, [one[2] for one in wanted], atol=1e-4)


def test_nan_never_survives(form):
    values = np.full(4 * 7, np.nan, np.float32)
    found = yolo_v1(values, YoloGrid(side=2, boxes=1), 0.0, 10)
    assert (len(found.boxes), found.total, found.nan) == (0, 0, 8)
