"""The CPU twin: the formula, in both forms."""

import numpy as np

from edgecv.ops.colorize import colorize, paint_of


def test_is_the_formula(form, rng):
    labels = rng.integers(0, 256, (9, 11), dtype=np.uint8)
    picture = rng.integers(0, 256, (9, 11, 3), dtype=np.uint8)
    paint = rng.integers(0, 256, (256, 4), dtype=np.int32)
    paint[:9, 3] = 256
    paint[9:20, 3] = 0
    a, color = paint[labels][:, :, 3:].astype(int), paint[labels][:, :, :3].astype(int)
    wanted = (picture * (256 - a) + color * a + 128) // 256
    assert np.array_equal(colorize(labels, paint, picture), wanted)
    assert np.array_equal(colorize(labels, paint), (color * a + 128) // 256)
    assert np.array_equal(colorize(labels, paint, picture, out=picture), wanted)  # in place


def test_white_on_white_is_white(form):
    paint = np.full((256, 4), 255, np.int32)
    white = np.full((2, 2, 3), 255, np.uint8)
    for alpha in (0, 1, 128, 255, 256):
        paint[:, 3] = alpha
        assert (colorize(np.zeros((2, 2), np.uint8), paint, white) == 255).all()


def test_background_stays_and_classes_are_half_painted(form):
    picture = np.full((1, 2, 3), 100, np.uint8)
    painted = colorize(np.uint8([[0, 1]]), paint_of(("background", "road")), picture)
    assert painted.tolist() == [[[100, 100, 100], [50, 50, 114]]]
