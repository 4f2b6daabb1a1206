"""The YOLO v1 head; its op is tested in tests/ops/yolo_v1."""

import numpy as np
import pytest

from edgecv.head import YoloV1Head
from edgecv.ops.letterbox import Fit
from edgecv.ops.yolo_v1 import YoloGrid
from edgecv.runtime.heads import decode
from edgecv.runtime.heads.yolo_v1 import grid_of
from edgecv.runtime.preprocess import Geometry

PLAIN = [Geometry((100, 200), Fit(0, 0, 100, 200))]


def test_by_hand():
    head = YoloV1Head(side=2, boxes=1, size=(100, 200), score=0.3, iou=0.5)
    cells = np.zeros((1, 2, 2, 7), np.float32)
    cells[0, 1, 1] = [0.5, 0.25, 0.5, 0.6, 0.8, 0.25, 0.75]
    for grid in (cells, cells.reshape(1, -1)):
        (result,) = decode(head, {"grid": grid}, PLAIN)
        assert result.boxes.tolist() == [pytest.approx([125, 44.5, 175, 80.5])]
        assert result.ids.tolist() == [1]


def test_the_grid_is_the_heads():
    head = YoloV1Head(side=9, boxes=3, sizes="linear", order="darknet", multi_label=False)
    assert grid_of(head) == YoloGrid(9, 3, (448, 448), False, True, False)
