"""The contract of colorize: paint and argument checks."""

import numpy as np
import pytest

from edgecv.errors import MachineError, ShapeError
from edgecv.ops.colorize import colorize, paint_of

LABELS, PICTURE = np.zeros((4, 5), np.uint8), np.zeros((4, 5, 3), np.uint8)


def test_paint_is_the_palette_with_an_opacity():
    paint = paint_of(("sky", "road"), 0.25)
    assert (paint.shape, paint.dtype) == ((256, 4), np.int32)
    assert paint[:3].tolist() == [[0, 0, 0, 64], [0, 0, 128, 64], [0, 128, 0, 64]]
    assert paint_of(("background",), 1.0)[:2, 3].tolist() == [0, 256]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"labels": LABELS.astype(np.int32)}, "labels must be", id="labels-dtype"),
        pytest.param({"labels": np.zeros(4, np.uint8)}, "labels must be", id="labels-rank"),
        pytest.param({"picture": PICTURE[:, :4]}, "picture must be", id="picture-size"),
        pytest.param({"out": np.zeros((4, 5, 6), np.uint8)[:, :, ::2]}, "out must be", id="out"),
        pytest.param({"paint": paint_of()[:9]}, "paint must be", id="paint-shape"),
        pytest.param({"paint": paint_of() - 1}, "paint must be", id="paint-range"),
        pytest.param({"paint": paint_of() * 9}, "paint must be", id="opacity-range"),
    ],
)
def test_refuses_wrong_arrays(change, says):
    with pytest.raises(ShapeError, match=says):
        colorize(**{"labels": LABELS, "paint": paint_of(), "picture": PICTURE} | change)


def test_unknown_provider_says_which_there_are():
    with pytest.raises(MachineError, match="known: cpu"):
        colorize(LABELS, paint_of(), provider="abacus")
