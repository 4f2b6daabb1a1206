"""The CUDA twin against the CPU twin, which test_cpu.py holds to darknet's loops."""

import itertools

import numpy as np
import pytest

from edgecv.ops.yolo_v1 import YoloGrid, yolo_v1
from edgecv.ops.yolo_v1.cuda import YoloV1Plan
from tests.cuda.capture import run_eagerly
from tests.ops.on_device import chosen_equals, holds
from tests.ops.yolo_v1.oracle import loops


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(
    ("square", "darknet", "multi_label"), itertools.product((True, False), repeat=3)
)
@pytest.mark.parametrize("session", ["forward", "reverse"], indirect=True)
def test_equals_the_cpu_twin(session, rng, dtype, square, darknet, multi_label):
    grid = YoloGrid(3, 2, (64, 96), square, darknet, multi_label)
    values = (rng.integers(0, 17, (2, 9 * (10 + 3))) / 16).astype(dtype)
    values[0, 4], values[1, -30:] = np.nan, np.nan
    device = session.upload(values)
    plan = YoloV1Plan(session, device, grid, 0.3, 20)
    run_eagerly(session, plan.enqueue)
    for i, row in enumerate(values.astype(np.float32)):
        chosen_equals(session, plan, i, yolo_v1(row, grid, 0.3, 20))
    plan.close()
    device.free()


@pytest.mark.parametrize("session", ["shuffled"], indirect=True)
def test_equals_darknet(session, rng):
    grid = YoloGrid(4, 2, (64, 96), darknet=True)
    values = rng.uniform(0, 1, (1, 16 * (10 + 3))).astype(np.float32)
    device = session.upload(values)
    plan = YoloV1Plan(session, device, grid, 0.4, 200)
    run_eagerly(session, plan.enqueue)
    holds(session, plan, 0, loops(values[0], grid, np.float32(0.4)))
    plan.close()
    device.free()
