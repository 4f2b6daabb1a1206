"""Mask R-CNN's first stage on the device is that of Faster R-CNN, for its own head.

Its parts, the boxes' and the masks', are tested in tests/runtime/device/test_rcnn.py.
"""

import numpy as np
import pytest

from edgecv.head import TwoStageMasksHead
from edgecv.runtime.cuda_heads import two_stage, two_stage_masks
from tests.runtime.cuda_heads.detectors import ONCE
from tests.runtime.cuda_heads.proposing import same_proposals


@ONCE
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_proposals_equal_the_cpu(session, rng, dtype):
    same_proposals(session, rng, two_stage_masks, TwoStageMasksHead(proposals=5), dtype)


def test_a_bundle_carries_the_same_kernels():
    assert two_stage_masks.SOURCES == two_stage.SOURCES
    assert two_stage_masks.PLACED
