import numpy as np
import pytest

from edgecv.data.warps import WarpOptions, Warps, warp_points
from edgecv.errors import ShapeError

PLAIN = WarpOptions(exposure=0)


def sample_at(image, points):
    """Bilinear values of `image` at corner-origin points, written out (not OpenCV's)."""
    x, y = (points - 0.5).T
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = (x - x0)[:, None], (y - y0)[:, None]
    rows = image.astype(float)
    above = rows[y0, x0] * (1 - fx) + rows[y0, x0 + 1] * fx
    below = rows[y0 + 1, x0] * (1 - fx) + rows[y0 + 1, x0 + 1] * fx
    return above * (1 - fy) + below * fy


def mismatch(pair, homography):
    """Median |difference| between second, and first looked up through the homography."""
    height, width = pair.second.shape[:2]
    ys, xs = np.mgrid[2 : height - 2 : 5, 2 : width - 2 : 5]
    points = np.stack([xs.ravel(), ys.ravel()], 1) + 0.5
    back = warp_points(points, np.linalg.inv(homography))
    inside = ((back > 2) & (back < [width - 2, height - 2])).all(1)
    assert inside.mean() > 0.1
    gap = sample_at(pair.first, back[inside]) - sample_at(pair.second, points[inside])
    return np.abs(gap).mean()


@pytest.mark.parametrize("index", range(6))
def test_homography_maps_first_onto_second(index):
    pair = Warps("train", 6, 0, PLAIN)[index]
    right = mismatch(pair, pair.homography)
    shifted = np.array([[1, 0, 1.5], [0, 1, 1.5], [0, 0, 1.0]]) @ pair.homography
    assert right < 6
    assert right < 0.8 * mismatch(pair, shifted)


def test_the_origin_is_the_corner_of_a_pixel():
    """Half a pixel is little, but over many pairs the right convention always fits better."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    wide = WarpOptions(exposure=0, shift=0.3, rotation=45)
    pairs = [Warps("train", 24, 0, wide)[i] for i in range(24)]
    right, centre, double = (
        np.mean(
            [mismatch(pair, change @ pair.homography @ np.linalg.inv(change)) for pair in pairs]
        )
        for change in (np.eye(3), half, np.linalg.inv(half))
    )
    assert right < 0.97 * min(centre, double)


def test_no_movement_is_the_identity():
    pair = Warps("val", 3, 0, WarpOptions(shift=0, rotation=0, exposure=0))[1]
    np.testing.assert_allclose(pair.homography, np.eye(3), atol=1e-9)
    assert np.array_equal(pair.first, pair.second)


def test_size_is_an_option():
    pair = Warps("train", 1, 0, WarpOptions(height=64, width=96))[0]
    assert pair.first.shape == pair.second.shape == (64, 96, 3)


def test_warp_points_refuses_other_shapes():
    with pytest.raises(ShapeError, match=r"points must be \(N, 2\)"):
        warp_points(np.zeros((4, 3)), np.eye(3))
