"""CenterNet's boxes: the CUDA twin against the CPU twin, which test_cpu.py works by hand."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.center_boxes import CenterLayout, CenterMaps, center_boxes
from edgecv.ops.center_boxes.cuda import CenterBoxesPlan
from tests.cuda.capture import assert_capturable
from tests.ops.on_device import chosen_equals


def maps_of(rng, shape, dtype="float32", batch=2):
    """Maps with plateaus, NaN among them."""
    classes, height, width = shape
    heat = (rng.integers(-9, 9, (batch, classes, height, width)) / 3).astype(dtype)
    heat[rng.random(heat.shape) < 0.05] = np.nan
    size = rng.uniform(0, 9, (batch, 2, height, width)).astype(dtype)
    offset = rng.uniform(0, 1, (batch, 2, height, width)).astype(dtype)
    return CenterMaps(heat, size, offset)


def image(maps, at):
    return CenterMaps(*(array[at].astype(np.float32) for array in maps))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(
    ("shape", "k", "layout"),
    [
        pytest.param((3, 9, 14), 500, CenterLayout(4), id="logits-cells"),
        pytest.param((3, 9, 14), 7, CenterLayout(8, False, True), id="probabilities-pixels"),
        pytest.param((4, 30, 37), 100, CenterLayout(2), id="long"),
    ],
)
def test_twins_agree(session, rng, shape, k, layout, dtype):
    maps = maps_of(rng, shape, dtype)
    plan = CenterBoxesPlan(session, CenterMaps(*map(session.upload, maps)), layout, 0.6, k)
    assert_capturable(session, plan.enqueue, (*plan.outputs, plan.count, plan.total))
    for at in range(2):
        wanted = center_boxes(image(maps, at), layout, 0.6, k)
        assert wanted.total >= len(wanted.boxes) > 5
        chosen_equals(session, plan, at, wanted)
        boxes = session.download(plan.boxes)[at, : len(wanted.boxes)]
        assert boxes.tobytes() == wanted.boxes.tobytes()


def test_refuses_mixed_types(session, rng):
    maps = CenterMaps(*map(session.upload, maps_of(rng, (2, 5, 6))))
    half = session.zeros(maps.offset.shape, "float16")
    with pytest.raises(ShapeError, match="size and offset must have one type"):
        CenterBoxesPlan(session, maps._replace(offset=half), CenterLayout(), 0.5, 3)
