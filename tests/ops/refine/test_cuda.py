"""The CUDA twin of refine against its CPU twin."""

import numpy as np
import pytest

from edgecv.ops.conv_crf import ConvCrf
from edgecv.ops.dense_crf import DenseCrf
from edgecv.ops.refine import OP, refine
from edgecv.ops.refine.cuda import RefinePlan, Seen
from tests.cuda.capture import assert_capturable

DENSE = DenseCrf(
    1.5, 1.0, bilateral_sigma=6.0, color_sigma=20.0, bilateral_weight=3.0, iterations=1
)


CONV = ConvCrf(3, 2, 1.5, 0.3, 20.0, 0.4, rate=0.4, iterations=1)


MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
@pytest.mark.parametrize("crf", [DENSE, CONV], ids=["dense", "conv"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_plan_equals_the_cpu_twin(session, rng, crf, dtype):
    scores = rng.normal(size=(2, 3, 3, 4)).astype(dtype)
    image = rng.integers(0, 256, (2, 3, 7, 8)).astype(np.uint8)
    mean, std = (np.float32(part)[:, None, None] for part in (MEAN, STD))
    tensor = ((image.astype(np.float32) - mean) / std).astype(dtype)
    seen = Seen(session.upload(tensor), MEAN, STD)
    plan = RefinePlan(session, scores=scores.shape, seen=seen, crf=crf, align_corners=True)
    given = session.upload(scores)
    (refined,) = assert_capturable(
        session, lambda stream: plan.enqueue(stream, given), (plan.refined,)
    )
    for found, own, picture in zip(refined, scores, image, strict=True):
        wanted = refine(own, picture.transpose(1, 2, 0), crf, align_corners=True)
        assert abs(found - wanted).max() <= OP.atol
    assert (plan.state is None) == (crf is CONV)
    plan.close()
