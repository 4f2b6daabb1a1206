"""CenterNet's boxes by hand; the CUDA twin against the CPU twin."""

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


def test_by_hand():
    heat = np.full((2, 4, 8), -9, np.float32)
    size, offset = np.zeros((2, 4, 8), np.float32), np.zeros((2, 4, 8), np.float32)
    heat[1, 3, 5] = np.log(3)  # probability 3/4
    size[:, 3, 5] = 2, 4
    offset[:, 3, 5] = 0.5, 0.25
    found = center_boxes(CenterMaps(heat, size, offset), CenterLayout(4), 0.5, 10)
    assert found.boxes.tolist() == [[18, 5, 26, 21]]  # centre (22, 13) pixels, 8 wide, 16 high
    assert found.scores.tolist() == pytest.approx([0.75])
    assert (found.ids.tolist(), found.total) == ([1], 1)
    pixels = center_boxes(CenterMaps(heat, size, offset), CenterLayout(4, pixels=True), 0.5, 10)
    assert pixels.boxes.tolist() == [[21, 11, 23, 15]]


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


def test_refuses_other_shapes(rng):
    maps = image(maps_of(rng, (2, 5, 6)), 0)
    with pytest.raises(ShapeError, match=r"offset must be \(2, 5, 6\) float32"):
        center_boxes(maps._replace(offset=maps.offset[:, :4]), CenterLayout(), 0.5, 3)


def test_refuses_mixed_types(session, rng):
    maps = CenterMaps(*map(session.upload, maps_of(rng, (2, 5, 6))))
    half = session.zeros(maps.offset.shape, "float16")
    with pytest.raises(ShapeError, match="size and offset must have one type"):
        CenterBoxesPlan(session, maps._replace(offset=half), CenterLayout(), 0.5, 3)
