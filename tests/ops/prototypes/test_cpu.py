"""YOLACT's masks by hand, against the whole frame, and enlarged against torch."""

import numpy as np
import pytest

from edgecv.ops.mask_paste import mask_paste
from edgecv.ops.prototypes import prototypes

NAN, INF = float("nan"), float("inf")


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def case(rng, n=6, k=4, shape=(12, 15)):
    maps = rng.standard_normal((k, *shape)).astype(np.float32)
    corner = rng.uniform(-3, 9, (n, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0.3, 8, (n, 2))], 1).astype(np.float32)
    return maps, rng.standard_normal((n, k)).astype(np.float32), boxes


def test_crops_hold_the_cells_around_their_box():
    maps = np.arange(20, dtype=np.float32).reshape(1, 4, 5) / 10
    boxes = np.float32([[1, 1, 3, 2], [1.6, 0.2, 1.7, 0.4], [-2, -2, 9, 9], [0.5, 0.5, 1.5, 1.5]])
    masks, cells = prototypes(maps, np.ones((4, 1), np.float32), boxes)
    assert cells.tolist() == [[0, 0, 4, 3], [1, -1, 3, 1], [-1, -1, 6, 5], [0, 0, 3, 3]]
    assert [mask.shape for mask in masks] == [(3, 4), (2, 2), (6, 7), (3, 3)]
    np.testing.assert_allclose(masks[0], sigmoid(maps[0, :3, :4]), atol=1e-6)
    assert (masks[1][0] == masks[1][1]).all()  # the border is repeated beyond the map


def test_equals_the_whole_frame(rng):
    maps, coefficients, boxes = case(rng)
    masks, cells = prototypes(maps, coefficients, boxes)
    frame = sigmoid(np.einsum("nk,khw->nhw", coefficients, maps))
    padded = np.pad(frame, ((0, 0), (1, 1), (1, 1)), mode="edge")
    for mask, (x0, y0, x1, y1), whole in zip(masks, cells, padded, strict=True):
        np.testing.assert_allclose(mask, whole[y0 + 1 : y1 + 1, x0 + 1 : x1 + 1], atol=1e-6)


def test_enlarged_they_equal_torch(rng):
    """Bilinear enlargement of the whole frame, then cut at the box."""
    torch = pytest.importorskip("torch")
    maps, coefficients, boxes = case(rng)
    frame = sigmoid(np.einsum("nk,khw->nhw", coefficients, maps))
    stride, size = 4, (48, 60)
    large = torch.nn.functional.interpolate(
        torch.from_numpy(frame)[None], size=size, mode="bilinear", align_corners=False
    )[0].numpy()
    masks, cells = prototypes(maps, coefficients, boxes)
    pasted = mask_paste(masks, np.float32(cells * stride), boxes * stride, size)
    x, y = np.arange(size[1]) + 0.5, np.arange(size[0])[:, None] + 0.5
    for i, (x0, y0, x1, y1) in enumerate(boxes * stride):
        inside = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
        sure = np.abs(large[i] - 0.5) > 1e-4
        assert (((large[i] >= 0.5) & inside) == pasted[i])[sure].all()


@pytest.mark.parametrize(
    "box", [[3, 3, 3, 6], [5, 5, 2, 8], [NAN, 0, 4, 4], [0, 0, INF, 4], [40, 0, 50, 5]], ids=str
)
def test_a_box_without_area_has_an_empty_mask(rng, box):
    maps, _, _ = case(rng)
    masks, cells = prototypes(maps, np.ones((1, 4), np.float32), np.float32([box]))
    assert masks[0].shape == (0, 0)
    assert cells.tolist() == [[0, 0, 0, 0]]


def test_no_instances_and_huge_weights(rng):
    maps, _, boxes = case(rng)
    masks, cells = prototypes(maps, np.zeros((0, 4), np.float32), boxes[:0])
    assert (masks, cells.shape) == ((), (0, 4))
    (mask,), _ = prototypes(maps, np.full((1, 4), 1e30, np.float32), boxes[:1])
    assert ((mask == 0) | (mask == 1)).all()
