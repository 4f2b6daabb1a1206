"""The CUDA twin of keypoint_nms against its CPU twin."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.keypoint_nms import Rule, keypoint_nms
from edgecv.ops.keypoint_nms.cuda import KeypointNmsPlan
from tests.cuda.capture import assert_capturable

GPU = pytest.param("gpu", marks=pytest.mark.gpu)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(
    ("shape", "rule"),
    [
        pytest.param((17, 23), Rule(0.3, 40, 2, border=1), id="odd"),
        pytest.param((1, 9), Rule(-np.inf, 3, 4, border=0), id="one-row"),
        pytest.param((9, 1), Rule(0.2, 3, 1, 1, border=0), id="one-column"),
        pytest.param((5, 5), Rule(9.0, 3), id="none"),
    ],
)
def test_cuda_equals_the_cpu_twin(session, rng, shape, rule, dtype):
    compare(session, rng, shape, rule, dtype)


@pytest.mark.parametrize("session", ["shuffled", GPU], indirect=True)
def test_cuda_selects_from_a_large_map(session, rng):
    compare(session, rng, (67, 70), Rule(0.5, 60, 1, 2, border=3), "float32")


def compare(session, rng, shape, rule, dtype):
    scores = (rng.integers(0, 99, (2, *shape)) / 99).astype(dtype)
    scores[0] = np.round(scores[0] * 4) / 4  # plateaus
    scores[rng.random(scores.shape) < 0.1] = np.nan
    scores[rng.random(scores.shape) < 0.1] = -np.inf
    plan = KeypointNmsPlan(session, batch=2, shape=shape, rule=rule)
    device = session.upload(scores)
    outputs = (plan.index, plan.value, plan.kept, plan.total, plan.points)
    run = assert_capturable(session, lambda s: plan.enqueue(s, device), outputs)
    for map_, index, value, kept, total, points in zip(scores, *run, strict=True):
        wanted, dropped = keypoint_nms(map_, rule)
        n = len(wanted)
        assert (kept, total) == (n, n + dropped)
        assert index.tolist() == wanted.tolist() + [-1] * (rule.k - n)
        assert value[:n].tolist() == map_.ravel()[wanted].tolist()
        y, x = np.divmod(wanted, shape[1])
        assert points[:n].tolist() == (np.stack([x, y], 1) + 0.5).tolist()
        assert not points[n:].any()
    plan.close()


def test_cuda_refuses_what_has_no_size():
    with pytest.raises(ShapeError, match="images and pixels"):
        KeypointNmsPlan(None, batch=1, shape=(0, 4), rule=Rule(0, 1))
