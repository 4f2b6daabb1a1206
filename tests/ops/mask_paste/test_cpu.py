"""Mask paste by hand, against Detectron2's formula through torch, and at the edges."""

import numpy as np
import pytest

from edgecv.ops._jit import DISABLE
from edgecv.ops.mask_paste import mask_paste

pytestmark = pytest.mark.usefixtures("form")

NAN, INF = float("nan"), float("inf")


def paste(mask, box, size, *, region=None, threshold=0.5):
    mask, box = np.float32(mask), np.float32([box])
    region = box if region is None else np.float32([region])
    return mask_paste([mask], region, box, size, threshold)[0]


def spans(picture):
    rows, columns = np.nonzero(picture)
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


def test_a_full_mask_fills_the_pixels_whose_centre_is_in_the_box():
    picture = paste(np.ones((28, 28)), [2, 3, 7, 5], (8, 10))
    assert spans(picture) == (3, 5, 2, 7)
    assert picture.sum() == 10
    assert spans(paste(np.ones((28, 28)), [2.5, 3.5, 7.5, 5.6], (8, 10))) == (3, 6, 2, 7)
    assert spans(paste(np.ones((28, 28)), [2.6, 3.4, 7.4, 5.5], (8, 10))) == (3, 5, 3, 7)


def test_half_a_mask_ends_in_the_middle():
    mask = np.repeat([[1.0, 0.0]], 2, 0)
    assert spans(paste(mask, [0, 0, 8, 4], (4, 8))) == (0, 4, 0, 4)  # 0.5 lies at x = 4
    assert spans(paste(mask.T, [0, 0, 4, 8], (8, 4))) == (0, 4, 0, 4)


def test_a_box_over_the_border_is_clipped():
    picture = paste(np.ones((4, 4)), [-3, -2, 3, 2], (5, 6))
    assert spans(picture) == (0, 2, 0, 3)
    assert not paste(np.ones((4, 4)), [10, 10, 20, 20], (5, 6)).any()


def test_a_region_larger_than_its_box_is_cut():
    mask = np.ones((4, 4))
    assert spans(paste(mask, [3, 1, 5, 3], (8, 8), region=[0, 0, 8, 8])) == (1, 3, 3, 5)


@pytest.mark.parametrize(
    "box",
    [[3, 3, 3, 6], [5, 5, 2, 8], [NAN, 0, 4, 4], [0, 0, INF, 4], [1, 1, 1 + 1e-40, 4]],
    ids=str,
)
def test_a_box_of_no_area_or_not_finite_has_no_pixels(box):
    assert not paste(np.ones((3, 3)), box, (8, 8), region=box).any()


def test_nan_and_empty_masks_have_no_pixels():
    assert not paste(np.full((3, 3), NAN), [0, 0, 8, 8], (8, 8)).any()
    assert not paste(np.ones((0, 3)), [0, 0, 8, 8], (8, 8)).any()
    none = np.zeros((0, 4), np.float32)
    assert mask_paste([], none, none, (4, 5)).shape == (0, 4, 5)


@pytest.mark.parametrize("shape", [(28, 28), (5, 9), (1, 1)], ids=str)
def test_equals_detectron2(rng, shape):
    """Its formula through torch's grid_sample; a pixel at the threshold may differ."""
    torch = pytest.importorskip("torch")
    size = (37, 53)
    for _ in range(12):
        corner = rng.uniform(-15, 30, 2)
        box = np.float32([*corner, *(corner + rng.uniform(0.6, 40, 2))])
        mask = rng.random(shape).astype(np.float32)
        y = ((torch.arange(size[0]) + 0.5 - box[1]) / (box[3] - box[1]) * 2 - 1).double()
        x = ((torch.arange(size[1]) + 0.5 - box[0]) / (box[2] - box[0]) * 2 - 1).double()
        grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)[None]
        value = torch.nn.functional.grid_sample(
            torch.from_numpy(mask)[None, None].double(), grid, align_corners=False
        )[0, 0].numpy()
        sure = np.abs(value - 0.5) > 1e-4
        assert ((value >= 0.5) == paste(mask, box, size))[sure].all()
        assert sure.mean() > 0.99


def test_every_pixel_by_the_words_of_the_contract(rng):
    mask, size = rng.random((4, 3)).astype(np.float32), (9, 11)
    region, box = [-2.3, 1.1, 9.7, 12.4], [0.4, 1.6, 8.5, 7.7]
    wanted = np.zeros(size, bool)
    for row, column in np.ndindex(*size):
        x, y = column + 0.5, row + 0.5
        u = (x - region[0]) / (region[2] - region[0]) * 3 - 0.5
        v = (y - region[1]) / (region[3] - region[1]) * 4 - 0.5
        value = 0
        for i, j in np.ndindex(*mask.shape):
            value += max(0, 1 - abs(v - i)) * max(0, 1 - abs(u - j)) * mask[i, j]
        wanted[row, column] = value >= 0.35 and box[0] <= x < box[2] and box[1] <= y < box[3]
    assert (paste(mask, box, size, region=region, threshold=0.35) == wanted).all()


def test_both_forms_give_the_same_bits(rng, monkeypatch, form):
    if form == "numpy":
        pytest.skip("compared once")
    corner = rng.uniform(-20, 60, (40, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0, 60, (40, 2))], 1).astype(np.float32)
    masks = [rng.random(rng.integers(1, 30, 2)).astype(np.float32) for _ in boxes]
    compiled = mask_paste(masks, boxes, boxes, (50, 70))
    monkeypatch.setenv(DISABLE, "1")
    assert (compiled == mask_paste(masks, boxes, boxes, (50, 70))).all()
