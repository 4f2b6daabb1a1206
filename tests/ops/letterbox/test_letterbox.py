"""The contract of letterbox: geometry by hand, padding, argument checks."""

import numpy as np
import pytest

from edgecv.errors import MachineError, ShapeError, UnknownName
from edgecv.ops.letterbox import Fit, Target, fit, letterbox, levels


@pytest.mark.parametrize(
    ("src", "dst", "expected"),
    [
        pytest.param((1080, 1920), (640, 640), Fit(140, 0, 360, 640), id="1080p"),
        pytest.param((768, 1366), (640, 640), Fit(140, 0, 360, 640), id="uneven"),
        pytest.param((100, 71), (50, 50), Fit(0, 7, 50, 36), id="half-rounds-to-even"),
        pytest.param((5, 8), (4, 4), Fit(1, 0, 2, 4), id="odd-padding-goes-below"),
        pytest.param((1, 5000), (64, 64), Fit(31, 0, 1, 64), id="strip-keeps-a-row"),
        pytest.param((7, 5), (33, 17), Fit(4, 0, 24, 17), id="enlarge"),
    ],
)
def test_letterbox_fit_by_hand(src, dst, expected):
    assert fit(src, dst) == expected


@pytest.mark.parametrize(
    ("src", "expected"),
    [
        pytest.param((480, 640), Fit(-16, -58, 256, 341), id="landscape"),  # round(58.5) is 58
        pytest.param((640, 480), Fit(-58, -16, 341, 256), id="portrait"),
        pytest.param((224, 224), Fit(-16, -16, 256, 256), id="square-enlarges"),
    ],
)
def test_crop_fit_is_torchvisions(src, expected):
    assert fit(src, (224, 224), "crop", 0.875) == expected


def test_stretch_fit_is_the_whole_output():
    assert fit((10, 99), (20, 30), "stretch") == Fit(0, 0, 20, 30)


def test_crop_refuses_a_strip_that_would_fill_memory():
    with pytest.raises(ShapeError, match="too elongated"):
        fit((1, 1_000_000), (224, 224), "crop")


def test_padding_is_fill_and_only_padding(rng):
    image = rng.integers(10, 256, (30, 61, 3), dtype=np.uint8)
    out = np.full((3, 32, 32), np.nan, np.float32)
    place = fit((30, 61), (32, 32))
    letterbox(image, out, place, Target(std=(1.0,) * 3, pad=9))
    inside = np.zeros((32, 32), bool)
    inside[place.top : place.top + place.height] = True
    assert place == Fit(8, 0, 16, 32)
    assert (out[:, ~inside] == 9).all()
    assert (out[:, inside] >= 10).all()


BAD_IMAGES = [
    pytest.param([[1]], "got: list", id="list"),
    pytest.param(np.zeros((4, 4), np.uint8), r"\(4, 4\) uint8", id="gray"),
    pytest.param(np.zeros((4, 4, 4), np.uint8), r"\(4, 4, 4\) uint8", id="alpha"),
    pytest.param(np.zeros((4, 4, 3), np.float32), "float32", id="float"),
    pytest.param(np.zeros((0, 4, 3), np.uint8), r"\(0, 4, 3\)", id="empty"),
    pytest.param(np.zeros((1, 4, 4, 3), np.uint8), r"\(1, 4, 4, 3\)", id="batch"),
]


@pytest.mark.parametrize(("image", "says"), BAD_IMAGES)
def test_refuses_a_wrong_image(image, says):
    out = np.empty((3, 8, 8), np.float32)
    with pytest.raises(ShapeError, match=says):
        letterbox(image, out, Fit(0, 0, 8, 8), Target())


@pytest.mark.parametrize(
    ("out", "says"),
    [
        pytest.param(np.empty((1, 8, 8), np.float32), r"\(3, H, W\)", id="channels"),
        pytest.param(np.empty((3, 8, 8), np.float64), "float64", id="dtype"),
        pytest.param(np.empty((3, 8, 16), np.float32)[:, :, ::2], "contiguous", id="strided"),
        pytest.param(np.broadcast_to(np.float32(0), (3, 8, 8)), "contiguous", id="readonly"),
    ],
)
def test_refuses_an_output_it_cannot_write(out, says):
    with pytest.raises(ShapeError, match=says):
        letterbox(np.zeros((4, 4, 3), np.uint8), out, Fit(0, 0, 8, 8), Target())


def test_unknown_provider_says_which_there_are():
    out = np.empty((3, 8, 8), np.float32)
    with pytest.raises(MachineError, match="known: cpu"):
        letterbox(np.zeros((4, 4, 3), np.uint8), out, Fit(0, 0, 8, 8), Target(), provider="abacus")


def test_unknown_color_order_is_named():
    out = np.empty((3, 8, 8), np.float32)
    with pytest.raises(UnknownName, match="color order 'grb'"):
        letterbox(np.zeros((4, 4, 3), np.uint8), out, Fit(0, 0, 8, 8), Target(), color="grb")


def test_levels_by_hand():
    target = Target(mean=(0.0, 51.0, 0.0), std=(255.0, 51.0, 1.0))
    assert levels(target)[:, [0, 102, 255]].tolist() == [
        [0, np.float32(0.4), 1], [-1, 1, 4], [0, 102, 255]
    ]  # fmt: skip
    assert levels(target, "float16").dtype == np.float16
    eighths = levels(target, "int8", 0.125)
    assert eighths[:, [0, 102, 255]].tolist() == [[0, 3, 8], [-8, 8, 32], [0, 127, 127]]
    with pytest.raises(UnknownName, match="dtype of a network's input 'int4'"):
        levels(target, "int4")
