"""What anchors refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.anchors import AnchorLayout, anchors

AT = np.float32([[10, 20, 8, 4], [30, 30, 10, 10], [50, 10, 6, 12]])


ZERO = np.zeros((3, 4), np.float32)


@pytest.mark.parametrize(
    ("scores", "deltas", "layout", "says"),
    [
        pytest.param(np.zeros((2, 1)), ZERO, AnchorLayout(), r"\(3, at least 1\)", id="rows"),
        pytest.param(
            np.zeros((3, 1)), ZERO, AnchorLayout("softmax"), "at least 2", id="only-background"
        ),
        pytest.param(np.zeros((3, 1)), ZERO[:2], AnchorLayout(), r"\(A, 4\)", id="deltas"),
        pytest.param(np.zeros((3, 1)), ZERO, AnchorLayout(levels=(1, 1)), "add up", id="levels"),
    ],
)
def test_refuses(scores, deltas, layout, says):
    with pytest.raises(ShapeError, match=says):
        anchors((scores.astype(np.float32), deltas), AT, layout, 0.5, 10)


def test_refuses_other_types():
    with pytest.raises(ShapeError, match="float32"):
        anchors((np.zeros((3, 1)), ZERO), AT, AnchorLayout(), 0.5, 10)
