"""The CUDA twin against the CPU twin, which test_cpu.py holds to the papers' equations."""

import itertools

import numpy as np
import pytest

from edgecv.ops.yolo_v3 import YoloLayout, YoloScale, yolo_v3
from edgecv.ops.yolo_v3.cuda import YoloV3Plan
from tests.cuda.capture import run_eagerly
from tests.ops.on_device import chosen_equals, holds
from tests.ops.yolo_v3.oracle import literal

LAYOUTS = [YoloLayout(*flags) for flags in itertools.product((False, True), repeat=4)]
SCALES = [
    YoloScale(32, ((40, 30), (60, 80)), 1.05),
    YoloScale(16, ((10, 14), (23, 27), (37, 58)), 1.2),
]


def name(layout):
    return "-".join(key for key, on in layout._asdict().items() if on) or "v3"


def equals_cpu(session, rng, layout, dtype, score, k):
    maps = []
    for scale, (h, w) in zip(SCALES, ((2, 3), (4, 6)), strict=True):
        values = rng.normal(0, 1.5, (2, len(scale.anchors), h, w, 8)).astype(dtype)
        values[0, 0, 0, 0, 4], values[1, -1, -1, -1, 6] = np.nan, np.nan
        if not layout.channels_last:
            values = np.ascontiguousarray(values.transpose(0, 1, 4, 2, 3).reshape(2, -1, h, w))
        maps.append(values)
    device = [session.upload(values) for values in maps]
    plan = YoloV3Plan(session, device, SCALES, layout, score, k)
    run_eagerly(session, plan.enqueue)
    for i in range(2):
        wanted = yolo_v3(
            [values[i].astype(np.float32) for values in maps], SCALES, layout, score, k
        )
        chosen_equals(session, plan, i, wanted, atol=2e-6, same_order=False)
    plan.close()
    for array in device:
        array.free()


@pytest.mark.parametrize("session", ["forward"], indirect=True)
@pytest.mark.parametrize("layout", LAYOUTS, ids=name)
def test_every_layout(session, rng, layout):
    equals_cpu(session, rng, layout, np.float32, 0.3, 40)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_orders_and_half(session, rng, dtype):
    equals_cpu(session, rng, YoloLayout(), dtype, 0.4, 30)


@pytest.mark.parametrize("session", ["shuffled"], indirect=True)
@pytest.mark.parametrize("score", [0.0, 0.99])
def test_all_and_none_survive(session, rng, score):
    equals_cpu(session, rng, YoloLayout(multi_label=False), np.float32, score, 500)


@pytest.mark.parametrize("session", ["reverse"], indirect=True)
@pytest.mark.parametrize("layout", LAYOUTS[::5], ids=name)
def test_equals_the_equations(session, rng, layout):
    maps = [
        rng.normal(0, 1, (1, len(scale.anchors), *sides, 8)).astype(np.float32)
        for scale, sides in zip(SCALES, ((2, 2), (4, 4)), strict=True)
    ]
    if not layout.channels_last:
        shapes = [(1, -1, *values.shape[2:4]) for values in maps]
        maps = [
            np.ascontiguousarray(values.transpose(0, 1, 4, 2, 3).reshape(shape))
            for values, shape in zip(maps, shapes, strict=True)
        ]
    device = [session.upload(values) for values in maps]
    plan = YoloV3Plan(session, device, SCALES, layout, 0.35, 500)
    run_eagerly(session, plan.enqueue)
    holds(session, plan, 0, literal([values[0] for values in maps], SCALES, layout, 0.35))
    plan.close()
    for array in device:
        array.free()
