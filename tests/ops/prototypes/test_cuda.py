"""YOLACT's masks on the device against their CPU twin, and pasted there."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.prototypes import OP, prototypes
from edgecv.ops.prototypes.cuda import CropLayout, PrototypesPlan
from tests.cuda.capture import assert_capturable

NAN = float("nan")
INPUT = (40, 48)  # pixels; maps are 10 x 12


def case(rng, dtype="float32", n=5, k=3):
    maps = rng.standard_normal((2, k, 10, 12)).astype(dtype)
    corner = rng.uniform(-10, 30, (2, n, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 30, (2, n, 2))], 2).astype(np.float32)
    return maps, rng.standard_normal((2, n, k)).astype(np.float32), boxes


def on_device(session, maps, coefficients, boxes, counts, **options):
    last = options.get("channels_last", False)
    array = session.upload(maps.transpose(0, 2, 3, 1) if last else maps)
    given = [session.upload(each) for each in (coefficients, boxes, np.array(counts, np.int32))]
    plan = PrototypesPlan(session, array, boxes.shape[1], CropLayout(INPUT, **options))
    outputs = [plan.places, plan.cells, plan.dropped]
    places, cells, dropped = assert_capturable(
        session, lambda stream: plan.enqueue(stream, array, *given), outputs
    )
    soft = session.download(plan.soft).reshape(-1)
    plan.close()
    for each in (array, *given):
        each.free()
    crops = [
        [soft[start : start + h * w].reshape(h, w) for start, h, w in image] for image in places
    ]
    return crops, cells, dropped


def check(found, maps, coefficients, boxes, counts, atol):
    crops, cells, dropped = found
    assert dropped.tolist() == [0, 0]
    scale = np.float32([12 / 48, 10 / 40] * 2)
    for b, count in enumerate(counts):
        wanted, covered = prototypes(
            maps[b].astype(np.float32), coefficients[b, :count], boxes[b, :count] * scale
        )
        assert cells[b, :count].tolist() == covered.tolist()
        for crop, mask in zip(crops[b], wanted, strict=False):
            np.testing.assert_allclose(crop.astype(np.float32), mask, atol=atol)
        assert all(crop.size == 0 for crop in crops[b][count:])


def test_equals_the_cpu_twin(session, rng):
    maps, coefficients, boxes = case(rng)
    boxes[0, :2] = [[NAN, 0, 9, 9], [5, 5, 5, 9]]
    found = on_device(session, maps, coefficients, boxes, [5, 3])
    check(found, maps, coefficients, boxes, [5, 3], OP.atol)


@pytest.mark.parametrize("session", ["shuffled"], indirect=True)
@pytest.mark.parametrize("channels_last", [False, True], ids=["chw", "hwc"])
@pytest.mark.parametrize(("stored", "out"), [("float16", "float32"), ("float32", "float16")])
def test_halves_and_layouts(session, rng, stored, out, channels_last):
    maps, coefficients, boxes = case(rng, stored)
    rest = {"channels_last": channels_last, "dtype": out}
    found = on_device(session, maps, coefficients, boxes, [5, 5], **rest)
    atol = OP.atol if out == "float32" else 5e-4  # half of a half's last place below 1
    check(found, maps, coefficients, boxes, [5, 5], atol)


@pytest.mark.parametrize("session", ["shuffled"], indirect=True)
def test_overflow_is_counted_and_does_not_depend_on_luck(session, rng):
    maps, coefficients, boxes = case(rng)
    boxes[0] = [[0, 0, 48, 40], [4, 4, 8, 8], [0, 0, 48, 40], [8, 8, 12, 12], [0, 0, 48, 40]]
    crops, _, dropped = on_device(session, maps, coefficients, boxes, [5, 0], room=14 * 12 + 18)
    assert dropped.tolist() == [2, 0]
    assert [crop.shape for crop in crops[0]] == [(12, 14), (3, 3), (0, 0), (3, 3), (0, 0)]


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_refuses_more_than_it_can_place(session):
    maps = session.empty((1, 4, 8, 8), "float32")
    with pytest.raises(ShapeError, match="so many cells"):
        PrototypesPlan(session, maps, 1025, CropLayout((32, 32)))
    maps.free()
