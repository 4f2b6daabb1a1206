"""The first stage on the device; with parts it is tested in tests/runtime/device/test_rcnn.py."""

import numpy as np
import pytest

from edgecv.head import TwoStageHead
from edgecv.runtime.cuda_heads import two_stage
from tests.runtime.cuda_heads.detectors import ONCE
from tests.runtime.cuda_heads.proposing import same_proposals


@ONCE
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_proposals_equal_the_cpu(session, rng, dtype):
    head = TwoStageHead(proposals=12, proposals_before=40)
    same_proposals(session, rng, two_stage, head, dtype)
