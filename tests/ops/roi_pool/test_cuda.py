"""RoIPool on the device against its CPU twin, which test_cpu.py holds to the definition."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.roi_pool import OP, RoiBins, roi_pool
from edgecv.ops.roi_pool.cuda import RoiPoolPlan
from tests.cuda.capture import assert_capturable

NAN, INF = float("nan"), float("inf")
BINS = RoiBins((3, 2), 0.25)


def on_device(session, feature, boxes, counts, bins):
    array = session.upload(feature)
    given = session.upload(boxes), session.upload(np.array(counts, np.int32))
    plan = RoiPoolPlan(session, array, bins, boxes.shape[1])
    (pooled,) = assert_capturable(
        session, lambda stream: plan.enqueue(stream, array, *given), [plan.pooled]
    )
    plan.close()
    for each in (array, *given):
        each.free()
    return pooled


def on_cpu(feature, boxes, counts, bins):
    pooled = np.zeros((*boxes.shape[:2], feature.shape[1], *bins.size), np.float32)
    for b, count in enumerate(counts):
        pooled[b, :count] = roi_pool(feature[b].astype(np.float32), boxes[b, :count], bins)
    return pooled


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_equals_the_cpu_twin(session, rng, dtype):
    feature = rng.standard_normal((2, 3, 9, 11)).astype(dtype)
    feature[0, :, 2:5, 2:5] = [NAN, -INF, INF]
    boxes = rng.uniform(-20, 60, (2, 6, 4)).astype(np.float32)
    boxes[0, :4] = [[NAN, 0, 9, 9], [0, 0, INF, 9], [-1e30, -1e30, 1e30, 1e30], [9, 9, 13, 11]]
    boxes[1, 0] = [10, 2, 10, 2]  # 2.5 and 0.5 cells: ties
    wanted = on_cpu(feature, boxes, [6, 5], BINS)
    assert OP.atol == OP.share == 0
    assert np.array_equal(on_device(session, feature, boxes, [6, 5], BINS), wanted.astype(dtype))
    assert wanted.any()


@pytest.mark.parametrize("session", ["shuffled"], indirect=True)
def test_more_channels_than_threads_and_bins_that_float32_misses(session, rng):
    feature = rng.standard_normal((1, 50, 2, 60)).astype(np.float32)
    boxes = np.float32([[[0, 0, 56, 1], [3, 0, 20, 0]]])
    bins = RoiBins((1, 7), 1.0)
    pooled = on_device(session, feature, boxes, [2], bins)
    assert np.array_equal(pooled, on_cpu(feature, boxes, [2], bins))


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_nothing_to_pool_gives_zeros(session, rng):
    feature = rng.standard_normal((1, 2, 4, 4)).astype(np.float32)
    assert not on_device(session, feature, np.ones((1, 3, 4), np.float32), [0], BINS).any()


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_refuses_other_features(session):
    array = session.empty((3, 4, 4), "float32")
    with pytest.raises(ShapeError, match=r"\(B, C, h, w\)"):
        RoiPoolPlan(session, array, BINS, 4)
    array.free()
