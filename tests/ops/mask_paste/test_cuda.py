"""Mask paste on the device against its CPU twin, which test_cpu.py holds to Detectron2."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.mask_paste import OP, mask_paste
from edgecv.ops.mask_paste.cuda import MaskPastePlan, SoftMasks
from tests.cuda.capture import assert_capturable

NAN, INF = float("nan"), float("inf")


class Case:
    """Masks of two pictures, ragged, one after another."""

    def __init__(self, rng, dtype="float32", n=3, batch=2):
        self.shapes = rng.integers(1, 7, (batch, n, 2))
        self.masks = [
            [rng.uniform(0.2, 1, shape).astype(dtype) for shape in row] for row in self.shapes
        ]
        flat = [mask for row in self.masks for mask in row]
        starts = np.cumsum([0] + [mask.size for mask in flat])[:-1].reshape(batch, n, 1)
        self.cells = np.concatenate([mask.ravel() for mask in flat])
        self.places = np.concatenate([starts, self.shapes], 2).astype(np.int32)
        corner = rng.uniform(-8, 8, (batch, n, 2))
        self.boxes = np.concatenate([corner, corner + rng.uniform(8, 50, (batch, n, 2))], 2)
        self.boxes = self.boxes.astype(np.float32)
        self.regions = self.boxes + np.float32([-1.5, -0.5, 0.25, 2])
        self.counts = [n, n - 1]

    def wanted(self, sizes, threshold):
        for b, count in enumerate(self.counts):
            masks = [mask.astype(np.float32) for mask in self.masks[b][:count]]
            rest = (self.regions[b, :count], self.boxes[b, :count])
            yield mask_paste(masks, *rest, sizes[b], threshold)


def on_device(session, case, sizes, **options):
    arrays = [case.cells, case.places, case.regions, case.boxes, np.array(case.counts, np.int32)]
    masks = SoftMasks(*(session.upload(array) for array in arrays))
    given = session.upload(np.array(sizes, np.int32))
    shape = case.boxes.shape[:2]
    plan = MaskPastePlan(session, shape=shape, dtype=case.cells.dtype.name, **options)
    (pasted,) = assert_capturable(
        session, lambda stream: plan.enqueue(stream, masks, given), [plan.pasted]
    )
    plan.close()
    for array in (*vars(masks).values(), given):
        array.free()
    return pasted


def bits(words):
    return np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little")


@pytest.mark.parametrize("packed", [True, False], ids=["bits", "bytes"])
def test_equals_the_cpu_twin(session, rng, packed):
    case, sizes = Case(rng), [(21, 45), (13, 30)]
    pasted = on_device(session, case, sizes, size=(21, 45), packed=packed, threshold=0.4)
    picture = bits(pasted) if packed else pasted
    assert OP.atol == OP.share == 0
    for b, wanted in enumerate(case.wanted(sizes, 0.4)):
        height, width = sizes[b]
        assert wanted.any()
        assert np.array_equal(picture[b, : len(wanted), :height, :width], wanted)
        assert not picture[b, :, height:].any()
        assert not picture[b, :, :, width:].any()
        assert not picture[b, len(wanted) :].any()


@pytest.mark.parametrize("session", ["shuffled"], indirect=True)
def test_halves_and_rows_of_more_than_32_words(session, rng):
    case, sizes = Case(rng, "float16"), [(5, 1100), (5, 1100)]
    case.boxes[:, :, 2] = case.regions[:, :, 2] = 1090
    picture = bits(on_device(session, case, sizes, size=(5, 1100), threshold=0.1))
    for b, wanted in enumerate(case.wanted(sizes, 0.1)):
        assert wanted[:, :, 1024:].any() or b
        assert np.array_equal(picture[b, : len(wanted), :, :1100], wanted)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_boxes_without_area_or_number_have_no_pixels(session, rng):
    case, sizes = Case(rng, n=5), [(9, 33), (9, 33)]
    case.counts = [5, 5]
    case.regions[0] = case.boxes[0] = np.float32(
        [[3, 3, 3, 6], [9, 5, 2, 8], [NAN, 0, 4, 4], [0, 0, INF, 4], [1, 1, 1 + 1e-40, 4]]
    )
    pasted = on_device(session, case, sizes, size=(9, 33))
    assert not pasted[0].any()
    assert pasted[1].any()


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_refuses_sizes_it_cannot_do(session):
    with pytest.raises(ShapeError, match="cannot take these sizes"):
        MaskPastePlan(session, shape=(1, 0), size=(4, 4))
