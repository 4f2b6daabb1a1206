"""What roi_boxes refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.roi_boxes import BoxRule, roi_boxes

AREA = np.float32([0, 4, 60, 44])


def case(rng, k=7, classes=3, columns=None):
    corner = rng.uniform(0, 30, (k, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(2, 30, (k, 2))], 1).astype(np.float32)
    columns = 4 * (classes + 1) if columns is None else columns
    deltas = rng.normal(0, 2, (k, columns)).astype(np.float32)
    return rng.normal(0, 2, (k, classes + 1)).astype(np.float32), deltas, boxes


@pytest.mark.parametrize(
    ("columns", "k"), [pytest.param(8, 7, id="columns"), pytest.param(16, 6, id="rows")]
)
def test_refuses(rng, columns, k):
    logits, deltas, boxes = case(rng, columns=columns)
    with pytest.raises(ShapeError, match=r"roi_boxes needs"):
        roi_boxes(logits, deltas[:k], boxes, AREA, BoxRule())
