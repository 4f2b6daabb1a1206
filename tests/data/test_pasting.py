import numpy as np
import pytest

from edgecv.data import handwriting
from edgecv.data.pasting import INK, Patch, Style, paint, warp_digit

STYLE = Style(0.4, 0.4, 0.0)
STRAIGHT = np.array([0.5, 0.5, 0.5, 0.5])  # no change of width, no rotation, no shear
MIDDLE = np.array([0.5, 0.5])


def ink_box(patch):
    ys, xs = np.nonzero(patch.alpha >= INK)
    return xs.min() + patch.x, ys.min() + patch.y, xs.max() + 1 + patch.x, ys.max() + 1 + patch.y


@pytest.mark.parametrize("digit", [0, 100, 1500])
def test_height_and_place_are_what_was_asked(digit):
    x0, y0, x1, y1 = ink_box(warp_digit(digit, STRAIGHT, MIDDLE, 200, STYLE))
    assert y1 - y0 == pytest.approx(80, abs=2)
    assert (x0 + x1) / 2 == pytest.approx(100, abs=1.5)
    assert (y0 + y1) / 2 == pytest.approx(100, abs=1.5)
    bounds = handwriting.glyph_bounds()[digit]
    ratio = (bounds[2] - bounds[0]) / (bounds[3] - bounds[1])
    assert (x1 - x0) / (y1 - y0) == pytest.approx(ratio, abs=0.04)


@pytest.mark.parametrize("at", [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
def test_a_digit_in_the_corner_stays_mostly_inside(at):
    whole = (warp_digit(7, STRAIGHT, MIDDLE, 128, STYLE).alpha >= INK).sum()
    patch = warp_digit(7, STRAIGHT, np.array(at), 128, STYLE)
    height, width = patch.alpha.shape
    assert 0 <= patch.x <= 128 - width
    assert 0 <= patch.y <= 128 - height
    assert (patch.alpha >= INK).sum() > 0.7 * whole


@pytest.mark.parametrize("ground", [0, 60, 128, 200, 255])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_ink_differs_enough_from_the_ground(ground, share):
    image = np.full((20, 20, 3), ground, np.uint8)
    draw = np.array([share, 0.5, 0.5, 0.5])  # no tint
    grey = paint(image, Patch(5, 5, np.full((10, 10), 255, np.uint8)), draw, [], 70)
    assert abs(grey - ground) >= 70
    assert (image[5:15, 5:15] == round(grey)).all()
    assert (image[:5] == ground).all()


def test_ink_differs_from_what_it_covers():
    for share in (0.0, 0.3, 0.6, 0.999):
        image = np.zeros((9, 9, 3), np.uint8)
        draw = np.array([share, 0.5, 0.5, 0.5])
        grey = paint(image, Patch(0, 0, np.full((9, 9), 255, np.uint8)), draw, [150.0], 70)
        assert min(grey, abs(grey - 150)) >= 70


def test_no_room_takes_the_level_that_differs_most():
    image = np.full((9, 9, 3), 128, np.uint8)
    draw = np.array([0.0, 0.5, 0.5, 0.5])
    covered = [0.0, 60.0, 190.0, 255.0]
    grey = paint(image, Patch(0, 0, np.full((9, 9), 255, np.uint8)), draw, covered, 70)
    assert min(abs(grey - level) for level in (128, *covered)) >= 24


def test_half_ink_is_half_way():
    image = np.zeros((4, 4, 3), np.uint8)
    draw = np.array([0.999, 0.5, 0.5, 0.5])
    paint(image, Patch(0, 0, np.full((4, 4), 128, np.uint8)), draw, [], 70)
    assert (image == 128).all()  # 255 * 128 / 255
