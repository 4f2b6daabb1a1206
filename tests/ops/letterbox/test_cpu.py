"""The CPU twin against an integer reference of its own, bit for bit."""

import threading

import cv2
import numpy as np
import pytest

from edgecv.ops.letterbox import Fit, Target, fit, letterbox
from edgecv.ops.letterbox.antialias import resize_antialias
from edgecv.ops.letterbox.cpu import resized

RGB = Target(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
SIZES = [  # source (h, w), resized (h, w)
    pytest.param((108, 192), (36, 64), id="third"),
    pytest.param((768, 1366), (360, 640), id="uneven"),
    pytest.param((481, 641), (224, 225), id="shrink"),
    pytest.param((100, 100), (77, 131), id="mixed"),
    pytest.param((7, 5), (33, 17), id="enlarge"),
    pytest.param((1, 1), (4, 9), id="one-pixel"),
    pytest.param((64, 64), (64, 64), id="same"),
    pytest.param((50, 300), (25, 77), id="half-one-way"),
]


def axis_taps(new, old):
    """Left source index (unclamped) and the two 11-bit weights of each output pixel."""
    at = np.float32((np.arange(new) + 0.5) * (old / new) - 0.5)
    low = np.floor(at).astype(int)
    fraction = at - low.astype(np.float32)
    return low, fraction


def eleven_bits(fraction):
    one = np.float32(1)
    return tuple(np.rint(f * np.float32(2048)).astype(int) for f in (one - fraction, fraction))


def bilinear_11_bit(image, size):
    """OpenCV's uint8 bilinear: 11-bit weights, the sum cut to 16 + 2 bits between the passes."""
    high, wide = image.shape[:2]
    y, fy = axis_taps(size[0], high)
    x, fx = axis_taps(size[1], wide)
    fx = np.where((x < 0) | (x >= wide - 1), np.float32(0), fx)  # columns clamp before weighing
    x = np.clip(x, 0, wide - 1)
    (a0, a1), (b0, b1) = eleven_bits(fx), eleven_bits(fy)
    pixels = image.astype(np.int64)

    def horizontal(rows):
        rows = pixels[np.clip(rows, 0, high - 1)]
        left, right = rows[:, x], rows[:, np.minimum(x + 1, wide - 1)]
        return left * a0[:, None] + right * a1[:, None]

    upper = (b0[:, None, None] * (horizontal(y) >> 4)) >> 16
    lower = (b1[:, None, None] * (horizontal(y + 1) >> 4)) >> 16
    return np.clip((upper + lower + 2) >> 2, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("src", "dst"), SIZES)
def test_linear_is_opencvs_11_bit_bilinear(rng, src, dst):
    image = rng.integers(0, 256, (*src, 3), dtype=np.uint8)
    assert np.array_equal(resized(image, dst, "linear"), bilinear_11_bit(image, dst))


@pytest.mark.parametrize("color", ["rgb", "bgr"])
@pytest.mark.parametrize(
    ("src", "resize"),
    [
        pytest.param((61, 97), "letterbox", id="pad-rows"),
        pytest.param((97, 61), "letterbox", id="pad-columns"),
        pytest.param((61, 97), "stretch", id="stretch"),
        pytest.param((61, 97), "crop", id="crop-columns"),
        pytest.param((97, 61), "crop", id="crop-rows"),
    ],
)
def test_output_is_the_formula_bit_for_bit(form, rng, src, resize, color):
    image = rng.integers(0, 256, (*src, 3), dtype=np.uint8)
    target = RGB._replace(color=color)
    place = fit(src, (40, 48), resize)
    out = np.full((3, 40, 48), np.nan, np.float32)
    letterbox(image, out, place, target)

    small = bilinear_11_bit(image, (place.height, place.width))
    canvas = np.full((40, 48, 3), target.pad, np.uint8)
    for y in range(40):
        for x in range(48):
            v, u = y - place.top, x - place.left
            if 0 <= v < place.height and 0 <= u < place.width:
                canvas[y, x] = small[v, u]
    ordered = canvas[:, :, ::-1] if color == "rgb" else canvas
    mean, std = np.float32(target.mean), np.float32(target.std)
    assert np.array_equal(out, ((ordered.astype(np.float32) - mean) / std).transpose(2, 0, 1))


def test_gray_is_opencvs_of_the_resized_image(form, rng):
    image = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    out = np.empty((1, 20, 40), np.float32)
    letterbox(image, out, Fit(0, 5, 20, 30), Target("gray", (10.0,), (50.0,), 0))
    # at exactly 1/2 OpenCV averages 2 x 2 pixels
    gray = cv2.cvtColor(cv2.resize(image, (30, 20)), cv2.COLOR_BGR2GRAY)
    assert np.array_equal(out[0, :, 5:35], (gray.astype(np.float32) - np.float32(10)) / 50)
    assert (out[0, :, :5] == np.float32(-0.2)).all()


def test_colors_by_hand(form):
    blue_green = np.zeros((1, 1, 3), np.uint8)
    blue_green[0, 0] = (255, 51, 0)
    out = np.empty((3, 1, 1), np.float32)
    letterbox(blue_green, out, Fit(0, 0, 1, 1), Target())
    assert out.ravel().tolist() == pytest.approx([0.0, 0.2, 1.0])
    letterbox(blue_green, out, Fit(0, 0, 1, 1), Target("bgr"))
    assert out.ravel().tolist() == pytest.approx([1.0, 0.2, 0.0])


VIEWS = [
    pytest.param(lambda a: a[:, ::-1], id="mirrored"),
    pytest.param(lambda a: a[::-1], id="upside-down"),
    pytest.param(lambda a: a[:, :, ::-1], id="channels-reversed"),
    pytest.param(lambda a: a.transpose(1, 0, 2), id="transposed"),
    pytest.param(lambda a: a[5:55, 7:80], id="window"),
    pytest.param(lambda a: a[::2, ::2], id="every-second"),
]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("interpolation", ["linear", "area", "antialias"])
def test_strides_do_not_matter(rng, view, interpolation):
    image = view(rng.integers(0, 256, (61, 97, 3), dtype=np.uint8))
    target = RGB._replace(interpolation=interpolation)
    strided, plain = np.empty((2, 3, 32, 32), np.float32)
    place = fit(image.shape[:2], (32, 32))
    letterbox(image, strided, place, target)
    letterbox(image.copy(), plain, place, target)
    assert np.array_equal(strided, plain)


def test_area_is_opencvs(rng):
    image = rng.integers(0, 256, (60, 90, 3), dtype=np.uint8)
    wanted = cv2.resize(image, (31, 17), interpolation=cv2.INTER_AREA)
    assert np.array_equal(resized(image, (17, 31), "area"), wanted)


def test_threads_do_not_share_buffers(rng):
    images = rng.integers(0, 256, (4, 50, 70, 3), dtype=np.uint8)
    place = fit((50, 70), (32, 32))
    wanted = np.empty((4, 3, 32, 32), np.float32)
    for image, out in zip(images, wanted, strict=True):
        letterbox(image, out, place, RGB)
    got = np.empty((4, 3, 32, 32), np.float32)

    def work(i):
        for _ in range(50):
            letterbox(images[i], got[i], place, RGB)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(got, wanted)


@pytest.mark.parametrize("resize", ["crop", "letterbox", "stretch"])
@pytest.mark.parametrize("src", [(61, 97), (97, 61), (56, 64)], ids=str)
def test_antialias_places_what_is_seen(form, rng, src, resize):
    image = rng.integers(0, 256, (*src, 3), dtype=np.uint8)
    place = fit(src, (40, 48), resize)
    target = RGB._replace(interpolation="antialias")
    out = np.empty((3, 40, 48), np.float32)
    letterbox(image, out, place, target)
    whole = np.empty((place.height, place.width, 3), np.uint8)
    resize_antialias(image, whole, (place.height, place.width))
    wanted = np.empty_like(out)
    letterbox(whole, wanted, place, target)  # its size is right already: only placed
    assert np.array_equal(out, wanted)


@pytest.mark.parametrize("color", ["rgb", "bgr", "gray"])
@pytest.mark.parametrize("interpolation", ["linear", "area", "antialias"])
def test_an_rgb_picture_gives_the_bits_of_its_bgr_form(form, rng, color, interpolation):
    image = rng.integers(0, 256, (61, 97, 3), dtype=np.uint8)
    target = RGB._replace(color=color, interpolation=interpolation)
    if color == "gray":
        target = target._replace(mean=(100.0,), std=(50.0,))
    bgr, rgb, view = np.empty((3, len(target.mean), 32, 32), np.float32)
    place = fit(image.shape[:2], (32, 32))
    letterbox(image, bgr, place, target)
    letterbox(np.ascontiguousarray(image[:, :, ::-1]), rgb, place, target, color="rgb")
    letterbox(image[:, :, ::-1], view, place, target, color="rgb")
    assert np.array_equal(rgb, bgr)
    assert np.array_equal(view, bgr)
