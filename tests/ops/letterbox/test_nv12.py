"""NV12: the integer conversion against the standards' formula, OpenCV, and itself in two forms."""

import cv2
import numpy as np
import pytest

from edgecv.errors import ShapeError, UnknownName
from edgecv.ops._jit import DISABLE
from edgecv.ops.letterbox import Target, fit, letterbox, nv12
from edgecv.ops.letterbox.nv12 import Nv12, bgr_of, coefficients

KINDS = [(matrix, span) for matrix in ("601", "709") for span in ("limited", "full")]
SIZES = [(8, 10), (7, 9), (1, 1), (2, 5)]


def frame(rng, size, matrix="601", span="limited"):
    high, wide = size
    y = rng.integers(0, 256, size, dtype=np.uint8)
    uv = rng.integers(0, 256, ((high + 1) // 2, (wide + 1) // 2, 2), dtype=np.uint8)
    return Nv12(y, uv, matrix, span)


def bgr(picture):
    return bgr_of(picture, np.empty((*picture.size, 3), np.uint8))


def by_the_standard(picture):
    """Real-valued BT.601 / BT.709, from luma weights, before rounding and clipping."""
    kr, kb = {"601": (0.299, 0.114), "709": (0.2126, 0.0722)}[picture.matrix]
    limited = picture.range == "limited"
    height, width = picture.size
    pairs = np.repeat(np.repeat(picture.uv, 2, 0), 2, 1)[:height, :width].astype(float) - 128
    cb, cr = pairs[..., 0] / (224 if limited else 255), pairs[..., 1] / (224 if limited else 255)
    luma = picture.y.astype(float)
    grey = (np.maximum(luma, 16) - 16) / 219 if limited else luma / 255
    red, blue = grey + 2 * (1 - kr) * cr, grey + 2 * (1 - kb) * cb
    green = (grey - kr * red - kb * blue) / (1 - kr - kb)
    return np.clip(np.stack([blue, green, red], axis=-1) * 255, 0, 255)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("matrix", "span"), KINDS)
def test_is_within_a_level_of_the_standard(form, rng, matrix, span, size):
    picture = frame(rng, size, matrix, span)
    gap = np.abs(bgr(picture) - by_the_standard(picture))
    # OpenCV cuts its factors to three digits (1.164383 to 1.164): up to 0.2 levels more
    assert gap.max() <= (0.72 if (matrix, span) == ("601", "limited") else 0.51)


def test_limited_601_is_opencvs(rng, monkeypatch):
    picture = frame(rng, (64, 96))
    wanted = cv2.cvtColorTwoPlane(picture.y, picture.uv, cv2.COLOR_YUV2BGR_NV12)
    assert np.array_equal(bgr(picture), wanted)
    monkeypatch.setattr(nv12, "_OPENCV_IS_PORTABLE", False)
    assert np.array_equal(bgr(picture), wanted)
    odd = Nv12(picture.y[:63, :95], picture.uv, "601", "limited")  # not OpenCV's: our own loop
    assert np.array_equal(bgr(odd), wanted[:63, :95])
    monkeypatch.setenv(DISABLE, "1")
    assert np.array_equal(bgr(odd), wanted[:63, :95])


@pytest.mark.parametrize(("matrix", "span"), KINDS)
def test_forms_are_equal(rng, monkeypatch, matrix, span):
    pytest.importorskip("numba")
    picture = frame(rng, (33, 47), matrix, span)
    compiled = bgr(picture)
    monkeypatch.setenv(DISABLE, "1")
    assert np.array_equal(compiled, bgr(picture))


def test_by_hand():
    y, uv = np.full((2, 2), 235, np.uint8), np.full((1, 1, 2), 128, np.uint8)
    assert bgr(Nv12(y, uv, "709", "limited")).ravel().tolist() == [255] * 12
    assert bgr(Nv12(y, uv, "709", "full")).ravel().tolist() == [235] * 12
    red = Nv12(np.full((2, 2), 63, np.uint8), np.uint8([[[102, 240]]]), "709", "limited")
    assert bgr(red)[0, 0].tolist() == pytest.approx([0, 0, 255], abs=1)  # BT.709's pure red


def test_coefficients_sum_to_white():
    for matrix, span in KINDS[1:]:
        numbers = coefficients(matrix, span)
        white = 235 if span == "limited" else 255
        assert ((white - numbers.offset) * numbers.luma + (1 << 19)) >> 20 == 255


@pytest.mark.parametrize("interpolation", ["linear", "antialias", "area"])
def test_letterbox_of_a_frame_is_letterbox_of_its_picture(form, rng, interpolation):
    picture = frame(rng, (36, 50), "709", "full")
    target = Target(interpolation=interpolation)
    got, wanted = np.empty((2, 3, 20, 20), np.float32)
    letterbox(picture, got, fit((36, 50), (20, 20)), target)
    letterbox(bgr(picture), wanted, fit((36, 50), (20, 20)), target)
    assert np.array_equal(got, wanted)


def test_pitch_does_not_matter(rng):
    wide = rng.integers(0, 256, (12, 32), dtype=np.uint8)
    y, uv = wide[:8, :20], wide[8:, :20].reshape(4, 10, 2)
    uv = np.lib.stride_tricks.as_strided(wide[8:], (4, 10, 2), (32, 2, 1))
    for matrix, span in KINDS:
        padded, tight = Nv12(y, uv, matrix, span), Nv12(y.copy(), uv.copy(), matrix, span)
        assert np.array_equal(bgr(padded), bgr(tight))


def test_refuses_wrong_planes(rng):
    y, uv = np.zeros((4, 6), np.uint8), np.zeros((2, 3, 2), np.uint8)
    with pytest.raises(ShapeError, match="plane uv"):
        Nv12(y, uv[:1])
    with pytest.raises(ShapeError, match="plane uv"):
        Nv12(np.zeros((0, 4), np.uint8), np.zeros((0, 2, 2), np.uint8))
    with pytest.raises(ShapeError, match="must be uint8"):
        Nv12(y, uv.astype(np.float32))
    with pytest.raises(ShapeError, match="contiguous"):
        Nv12(np.zeros((4, 12), np.uint8)[:, ::2], uv)
    with pytest.raises(UnknownName, match="YUV matrix '2020'"):
        Nv12(y, uv, "2020")
    with pytest.raises(UnknownName, match="YUV range 'video'"):
        Nv12(y, uv, "601", "video")
