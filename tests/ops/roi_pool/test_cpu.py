"""RoIPool by hand and against the definition in plain loops; both CPU forms."""

import math

import numpy as np
import pytest

from edgecv.ops.roi_pool import RoiBins, roi_pool

pytestmark = pytest.mark.usefixtures("form")

NAN, INF = float("nan"), float("inf")


def pooled(feature, box, size=(2, 2), scale=1.0):
    return roi_pool(np.float32(feature), np.float32([box]), RoiBins(size, scale))[0]


def whole(value):
    """C's round: half away from zero."""
    return int(math.floor(abs(value) + 0.5) * math.copysign(1, value))


def by_definition(feature, box, size, scale):
    x0, y0, x1, y1 = (whole(float(np.float32(v) * np.float32(scale))) for v in box)
    height, width = max(y1 - y0 + 1, 1), max(x1 - x0 + 1, 1)
    out = np.zeros((len(feature), *size), np.float32)
    for c, i, j in np.ndindex(out.shape):
        values = [
            feature[c, y, x]
            for y in range(y0 + i * height // size[0], y0 + math.ceil((i + 1) * height / size[0]))
            for x in range(x0 + j * width // size[1], x0 + math.ceil((j + 1) * width / size[1]))
            if 0 <= y < feature.shape[1] and 0 <= x < feature.shape[2]
        ]
        out[c, i, j] = max(values, default=0)
    return out


RAMP = np.arange(64, dtype=np.float32).reshape(1, 8, 8)


def test_by_hand():
    assert pooled(RAMP, [0, 0, 7, 7])[0].tolist() == [[27, 31], [59, 63]]
    assert pooled(RAMP, [2, 3, 3, 3], (1, 1)).item() == 27  # both ends belong to the box


def test_edges_round_half_away_from_zero():
    assert pooled(RAMP, [2.5, 0, 2.5, 0], (1, 1)).item() == 3
    assert pooled(RAMP, [-0.5, 0, 0.49, 0], (1, 1)).item() == 0
    assert pooled(RAMP, [0, 0, np.nextafter(np.float32(0.5), np.float32(0)), 0], (1, 1)) == 0


def test_bins_are_whole_numbers_where_float32_is_not():
    row = np.zeros((1, 1, 80), np.float32)
    row[0, 0, 57] = 1  # just past a box of 57 cells; float32 says ceil(7 * (57 / 7)) = 58
    assert not pooled(row, [0, 0, 56, 0], (1, 7)).any()


@pytest.mark.parametrize("size", [(7, 7), (3, 5), (1, 1)], ids=str)
def test_equals_the_definition(rng, size):
    feature = rng.standard_normal((2, 11, 13)).astype(np.float32)
    for _ in range(25):
        box = rng.uniform(-60, 160, 4).astype(np.float32)
        wanted = by_definition(feature, box, size, 0.125)
        assert np.array_equal(pooled(feature, box, size, 0.125), wanted)


@pytest.mark.parametrize(
    "box", [[NAN, 0, 4, 4], [0, 0, INF, 4], [-INF, 0, INF, 4], [50, 50, 60, 60]], ids=str
)
def test_no_cells_give_zeros(box):
    assert not pooled(np.ones((2, 5, 5)), box).any()


def test_a_huge_box_covers_the_map():
    assert pooled(RAMP, [-1e30, -1e30, 1e30, 1e30], (1, 1)).item() == 63


def test_nan_is_passed_over():
    assert pooled([[[NAN, 2], [1, NAN]]], [0, 0, 1, 1], (1, 1)).item() == 2
    assert pooled([[[NAN, -INF]]], [0, 0, 1, 0], (1, 1)).item() == 0


def test_no_boxes():
    assert roi_pool(RAMP, np.zeros((0, 4), np.float32), RoiBins((7, 7), 1.0)).shape == (0, 1, 7, 7)
