"""What soft_nms refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.soft_nms import Decay, soft_nms
from tests.ops.soft_nms.crowds import crowd


def test_refuses(rng):
    boxes, scores, ids = crowd(rng, 5, 2)
    with pytest.raises(ShapeError, match="boxes must be"):
        soft_nms(boxes.astype(float), scores, ids, Decay())
    with pytest.raises(ShapeError, match=r"scores must be \(5,\)"):
        soft_nms(boxes, scores[:4], ids, Decay())
    with pytest.raises(ShapeError, match=r"ids must be \(5,\) int64"):
        soft_nms(boxes, scores, ids.astype(np.int32), Decay())
    with pytest.raises(ValueError, match="sigma > 0"):
        soft_nms(boxes, scores, ids, Decay("gaussian", sigma=0))
