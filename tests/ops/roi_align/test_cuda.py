"""RoIAlign on the device against its CPU twin, which test_cpu.py holds to the formula."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.roi_align import OP, RoiGrid, roi_align
from edgecv.ops.roi_align.cuda import RoiAlignPlan
from tests.cuda.capture import assert_capturable

NAN, INF = float("nan"), float("inf")
GRID = RoiGrid((3, 2), (1 / 4, 1 / 8), aligned=True, canonical=(24, 1))


def maps_of(rng, grid, channels=3, dtype=np.float32, batch=2, side=48):
    shapes = [(batch, channels, round(side * s), round(side * s) + 1) for s in grid.scales]
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def boxes_of(rng, batch=2, n=5, side=48):
    return rng.uniform(-0.2 * side, 1.2 * side, (batch, n, 4)).astype(np.float32)


def on_device(session, maps, boxes, counts, grid, **options):
    last = options.get("channels_last", False)
    arrays = [session.upload(m.transpose(0, 2, 3, 1) if last else m) for m in maps]
    given = session.upload(boxes), session.upload(np.array(counts, np.int32))
    plan = RoiAlignPlan(session, arrays, grid, boxes.shape[1], **options)
    enqueue = lambda stream: plan.enqueue(stream, arrays, *given)  # noqa: E731
    (pooled,) = assert_capturable(session, enqueue, [plan.pooled])
    plan.close()
    for array in (*arrays, *given):
        array.free()
    return pooled


def on_cpu(maps, boxes, counts, grid):
    pooled = np.zeros((*boxes.shape[:2], maps[0].shape[1], *grid.size), np.float32)
    for b, count in enumerate(counts):
        levels = [m[b].astype(np.float32) for m in maps]
        pooled[b, :count] = roi_align(levels, boxes[b, :count], grid)
    return pooled


def test_equals_the_cpu_twin(session, rng):
    maps, boxes = maps_of(rng, GRID), boxes_of(rng)
    boxes[0, :2] = [[NAN, 0, 9, 9], [0, 0, INF, 9]]
    pooled = on_device(session, maps, boxes, [5, 3], GRID)
    wanted = on_cpu(maps, boxes, [5, 3], GRID)
    assert OP.atol == OP.share == 0
    assert np.array_equal(pooled, wanted)
    assert wanted.any()


@pytest.mark.parametrize("session", ["shuffled"], indirect=True)
@pytest.mark.parametrize("channels_last", [False, True], ids=["chw", "hwc"])
@pytest.mark.parametrize(
    ("stored", "out"), [("float16", "float32"), ("float32", "float16"), ("float16", "float16")]
)
def test_halves_and_layouts(session, rng, stored, out, channels_last):
    maps, boxes = maps_of(rng, GRID, dtype=stored), boxes_of(rng)
    pooled = on_device(session, maps, boxes, [5, 4], GRID, channels_last=channels_last, dtype=out)
    assert pooled.dtype == out
    assert np.array_equal(pooled, on_cpu(maps, boxes, [5, 4], GRID).astype(out))


@pytest.mark.parametrize("session", ["shuffled"], indirect=True)
@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("sampling", [0, 1, 3])
def test_samplings(session, rng, sampling, aligned):
    grid = RoiGrid((2, 3), (0.5,), aligned, sampling)
    maps, boxes = maps_of(rng, grid, batch=1, side=20), boxes_of(rng, 1, 6, 20)
    boxes[0, 0] = [0, 0, 1e9, 1e9]
    boxes[0, 1] = [3, 4, 3, 4]
    assert np.array_equal(
        on_device(session, maps, boxes, [6], grid), on_cpu(maps, boxes, [6], grid)
    )


@pytest.mark.parametrize("session", ["shuffled"], indirect=True)
def test_more_channels_than_threads_and_five_levels(session, rng):
    grid = RoiGrid((1, 3), (1.0, 1 / 2, 1 / 4, 1 / 8, 1 / 16), aligned=False, canonical=(10, 2))
    maps, boxes = maps_of(rng, grid, channels=100, batch=1, side=32), boxes_of(rng, 1, 3, 32)
    for last in (False, True):
        pooled = on_device(session, maps, boxes, [3], grid, channels_last=last)
        assert np.array_equal(pooled, on_cpu(maps, boxes, [3], grid))


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_nothing_to_pool_gives_zeros(session, rng):
    pooled = on_device(session, maps_of(rng, GRID), boxes_of(rng), [0, 0], GRID)
    assert not pooled.any()


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_refuses_maps_that_do_not_belong_together(session):
    one = session.empty((1, 3, 4, 4), "float32")
    other = session.empty((1, 3, 4, 4), "float16")
    with pytest.raises(ShapeError, match="one map of one dtype per scale"):
        RoiAlignPlan(session, [one], GRID, 4)
    with pytest.raises(ShapeError, match="one map of one dtype per scale"):
        RoiAlignPlan(session, [one, other], GRID, 4)
    one.free()
    other.free()
