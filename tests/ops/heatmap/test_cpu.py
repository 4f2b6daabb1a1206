"""The joint of a map by hand, against loops, and against DARK's own formula with OpenCV's blur."""

import numpy as np
import pytest

from edgecv.ops.heatmap import OP, blur_taps, heatmap
from edgecv.ops.heatmap.cpu import newton_step

NAN = float("nan")


def gaussians(centres, shape=(24, 20), sigma=2.0, height=0.9):
    """(J, h, w) float32 with a Gaussian at each (x, y)."""
    y, x = np.indices(shape)
    maps = [np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * sigma**2)) for u, v in centres]
    return np.float32(height * np.array(maps))


def test_by_hand():
    maps = np.zeros((1, 5, 7), np.float32)
    maps[0, 3, 2] = 0.8
    maps[0, 3, 3] = 0.5
    maps[0, 2, 2] = 0.1
    np.testing.assert_array_equal(heatmap(maps, "none"), np.float32([[2, 3, 0.8]]))
    np.testing.assert_array_equal(heatmap(maps, "quarter"), np.float32([[2.25, 2.75, 0.8]]))


def test_ties_go_to_the_lower_index_and_nan_never_wins():
    maps = np.zeros((4, 3, 4), np.float32)
    maps[0, 1, 1] = maps[0, 2, 0] = 1
    maps[1, 0, 0], maps[1, 2, 3] = NAN, -1
    maps[1][maps[1] == 0] = -2
    maps[2] = NAN
    maps[3] = -np.inf
    wanted = [[1, 1, 1], [3, 2, -1], [0, 0, -np.inf], [0, 0, -np.inf]]
    np.testing.assert_array_equal(heatmap(maps, "none"), np.float32(wanted))


def test_quarter_keeps_the_published_border_and_ignores_nan():
    corners = [(x, y) for x in range(6) for y in range(5)]
    maps = np.zeros((len(corners), 5, 6), np.float32)
    for i, (x, y) in enumerate(corners):
        maps[i] = np.arange(30).reshape(5, 6) / 100
        maps[i, y, x] = 1
    for (x, y), found in zip(corners, heatmap(maps, "quarter"), strict=True):
        moves = 1 < x < 5 and 1 < y < 4
        assert found[:2].tolist() == ([x + 0.25, y + 0.25] if moves else [x, y])
    maps[:1, 2, 3], maps[:1, 2, 4] = 2, NAN
    assert heatmap(maps[:1], "quarter")[0].tolist() == [3, 2.25, 2]


def by_loops(maps, refine):
    """Words of the contract for none and quarter."""
    rows = []
    for one in maps:
        best, at = -np.inf, (0, 0)
        for y, x in np.ndindex(one.shape):
            if one[y, x] > best:
                best, at = one[y, x], (y, x)
        y, x = at
        dx = dy = 0.0
        if refine == "quarter" and 1 < x < one.shape[1] - 1 and 1 < y < one.shape[0] - 1:
            dx = 0.25 * np.sign(one[y, x + 1] - one[y, x - 1])
            dy = 0.25 * np.sign(one[y + 1, x] - one[y - 1, x])
        rows.append([x + dx, y + dy, best])
    return np.float32(rows)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("refine", ["none", "quarter"])
def test_equals_loops(rng, refine, dtype):
    maps = (rng.integers(0, 40, (30, 9, 7)) / 40).astype(dtype)  # plateaus and ties
    np.testing.assert_array_equal(heatmap(maps, refine), by_loops(np.float32(maps), refine))


def dark(one, kernel):
    """DARK's published decoding of one map: pad, blur, rescale, clamp, log, one Newton step."""
    cv2 = pytest.importorskip("cv2")
    y, x = np.unravel_index(one.argmax(), one.shape)
    border = (kernel - 1) // 2
    padded = np.pad(one.astype(np.float64), border)
    blurred = cv2.GaussianBlur(padded, (kernel, kernel), 0) if kernel > 1 else padded
    blurred = blurred[border : border + one.shape[0], border : border + one.shape[1]]
    log = np.log(np.maximum(blurred * (one.max() / blurred.max()), 1e-10))
    place = np.array([x, y], np.float64)
    if 1 < x < one.shape[1] - 2 and 1 < y < one.shape[0] - 2:
        gradient = 0.5 * np.array([log[y, x + 1] - log[y, x - 1], log[y + 1, x] - log[y - 1, x]])
        dxx = 0.25 * (log[y, x + 2] - 2 * log[y, x] + log[y, x - 2])
        dyy = 0.25 * (log[y + 2, x] - 2 * log[y, x] + log[y - 2, x])
        dxy = 0.25 * (log[y + 1, x + 1] - log[y - 1, x + 1] - log[y + 1, x - 1] + log[y - 1, x - 1])
        place -= np.linalg.solve(np.array([[dxx, dxy], [dxy, dyy]]), gradient)
    return place


@pytest.mark.parametrize("kernel", [1, 11, 17])
def test_taylor_equals_darks_formula(rng, kernel):
    centres = np.stack([rng.uniform(0, 19, 40), rng.uniform(0, 23, 40)], axis=1)
    maps = gaussians(centres) + np.float32(0.02) * rng.random((40, 24, 20), np.float32)
    wanted = [dark(one, kernel) for one in maps]
    np.testing.assert_allclose(heatmap(maps, "taylor", kernel)[:, :2], wanted, atol=2e-5)


def test_taylor_finds_a_gaussian_where_it_is(rng):
    centres = np.stack([rng.uniform(3, 16, 20), rng.uniform(3, 20, 20)], axis=1)
    found = heatmap(gaussians(centres), "taylor")
    np.testing.assert_allclose(found[:, :2], centres, atol=1e-4)
    rough = heatmap(gaussians(centres), "quarter")
    assert np.abs(rough[:, :2] - centres).max() > 0.05


def test_the_blur_is_opencvs():
    cv2 = pytest.importorskip("cv2")
    for kernel in (11, 13, 17, 31):
        np.testing.assert_allclose(
            blur_taps(kernel), cv2.getGaussianKernel(kernel, 0)[:, 0], atol=1e-12
        )
    for kernel in (3, 5, 7, 9):
        np.testing.assert_allclose(
            blur_taps(kernel), cv2.getGaussianKernel(kernel, 0)[:, 0], atol=0.03
        )
    assert blur_taps(0).tolist() == blur_taps(1).tolist() == [1]


def test_a_step_that_leads_to_no_maximum_is_not_taken():
    flat = np.zeros((1, 9, 9), np.float32)
    flat[0, 4, 4] = 1e-3
    saddle = np.zeros((1, 9, 9), np.float32) + np.float32(0.5)
    saddle[0, 4, 4], saddle[0, 4, 2], saddle[0, 4, 6] = 0.6, 0.6, 0.6
    saddle[0, 3, 4] = 0.55
    broken = gaussians([(4, 4)], (9, 9))
    broken[0, 4, 5] = NAN
    for maps in (flat, saddle, broken):
        x, y, _ = heatmap(maps, "taylor")[0]
        assert abs(x - round(x)) < 1e-6
        assert abs(y - round(y)) < 1e-6
    far = np.zeros((1, 5, 5))
    far[0, 2] = [-0.02, -0.05, 0, 0.05, -0.01]
    far[0, :, 2] = [-0.1, -0.05, 0, -0.05, -0.1]
    assert newton_step(far)[0].tolist() == [0, 0]  # 0.05 / 0.0075: 6.7 cells away


def test_no_maps():
    assert heatmap(np.zeros((0, 4, 4), np.float32), "taylor", 11).shape == (0, 3)


def test_the_contract_allows_little():
    assert OP.atol <= 1e-3
