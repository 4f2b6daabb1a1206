"""The contract of label_map: geometry by hand and argument checks."""

import numpy as np
import pytest

from edgecv.errors import MachineError, ShapeError
from edgecv.ops.label_map import (
    MAX_LABELS,
    Axis,
    Window,
    grid_of,
    label_map,
    nearest,
    sampling,
    spread,
)

READ = sampling((2, 2), (4, 4))


def test_sampling_by_hand():
    assert sampling((10, 20), (40, 40)) == (Axis(40, 0.25, -0.375), Axis(40, 0.5, -0.25))
    corners = sampling((11, 5), (41, 9), align_corners=True)
    assert corners == (Axis(41, 0.25, 0.0), Axis(9, 0.5, 0.0))
    # a 100 x 200 picture in the middle rows of a 64 x 64 input, scores of stride 4
    read = sampling((16, 16), (100, 200), Window(16, 0, 32, 64, (64, 64)))
    assert read.x == (200, pytest.approx(0.08), pytest.approx(0.04 - 0.5))
    assert read.y == (100, pytest.approx(0.08), pytest.approx(4 + 0.04 - 0.5))
    assert read.size == (100, 200)


def test_a_side_of_one_pixel_has_one_corner():
    assert sampling((1, 7), (1, 1), align_corners=True) == (Axis(1, 0.0, 0.0), Axis(1, 0.0, 0.0))


@pytest.mark.parametrize(
    ("logits", "says"),
    [
        pytest.param(np.zeros((2, 2), np.float32), r"\(2, 2\) float32", id="rank"),
        pytest.param(np.zeros((0, 2, 2), np.float32), r"\(0, 2, 2\)", id="no-class"),
        pytest.param(np.zeros((2, 2, 2), np.float64), "float64", id="double"),
        pytest.param(np.zeros((257, 2, 2), np.float32), "at most 256", id="too-many-classes"),
    ],
)
def test_refuses_wrong_scores(logits, says):
    with pytest.raises(ShapeError, match=says):
        label_map(logits, READ)


@pytest.mark.parametrize(
    "out",
    [
        pytest.param(np.zeros((4, 5), np.uint8), id="size"),
        pytest.param(np.zeros((4, 4), np.int32), id="dtype"),
        pytest.param(np.zeros((4, 8), np.uint8)[:, ::2], id="strides"),
    ],
)
def test_refuses_a_wrong_output(out):
    with pytest.raises(ShapeError, match="labels must be a C-contiguous"):
        label_map(np.zeros((2, 2, 2), np.float32), READ, out)


def test_unknown_provider_says_which_there_are():
    with pytest.raises(MachineError, match="known: cpu"):
        label_map(np.zeros((2, 2, 2), np.float32), READ, provider="abacus")


@pytest.mark.parametrize(
    ("picture", "grid"),
    [
        pytest.param((1080, 1920), (1080, 1920), id="1080p"),
        pytest.param((2160, 3840), (1080, 1920), id="4k"),
        pytest.param((1, 1), (1, 1), id="one-pixel"),
        pytest.param((1500, 1500), (750, 750), id="square"),
        pytest.param((3, 3 * MAX_LABELS), (1, MAX_LABELS), id="strip"),
    ],
)
def test_grid_is_as_fine_as_fits(picture, grid):
    assert grid_of(picture) == grid
    assert grid[0] * grid[1] <= MAX_LABELS


def test_spread_repeats_a_grid():
    labels = np.uint8([[1, 2], [3, 4]])
    assert spread(labels, (3, 4)).tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4]]
    assert spread(labels, (2, 2)) is labels


def test_nearest_by_hand():
    labels = np.uint8([[1, 2, 3]])
    assert nearest(labels, sampling((1, 3), (2, 6))).tolist() == [[1, 1, 2, 2, 3, 3]] * 2
    assert nearest(labels, sampling((1, 3), (1, 1))).tolist() == [[2]]
