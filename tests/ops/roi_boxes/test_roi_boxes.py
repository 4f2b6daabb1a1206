"""What roi_boxes refuses, whoever computes it."""

import pytest

from edgecv.errors import ShapeError
from edgecv.ops.roi_boxes import BoxRule, roi_boxes
from tests.ops.roi_boxes.test_cpu import AREA, case


@pytest.mark.parametrize(
    ("columns", "k"), [pytest.param(8, 7, id="columns"), pytest.param(16, 6, id="rows")]
)
def test_refuses(rng, columns, k):
    logits, deltas, boxes = case(rng, columns=columns)
    with pytest.raises(ShapeError, match=r"roi_boxes needs"):
        roi_boxes(logits, deltas[:k], boxes, AREA, BoxRule())
