"""The anchors head by hand; its op is tested in tests/ops/anchors."""

import math

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.head import AnchorsHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime.heads import decode
from edgecv.runtime.heads.anchors import anchors_of
from edgecv.runtime.preprocess import Geometry

PLAIN = [Geometry((16, 16), Fit(0, 0, 16, 16))]
LEVELS = [{"stride": 8, "boxes": [[8, 8]]}]  # centres 4 and 12


def outputs(scores, deltas=None):
    scores = np.float32(scores)[None]
    deltas = np.zeros((1, scores.shape[1], 4)) if deltas is None else np.array(deltas)[None]
    return {"scores": scores, "deltas": np.float32(deltas)}


def test_by_hand():
    head = AnchorsHead(size=(16, 16), levels=LEVELS, score=0.5)
    scores = [[-9, 1], [-9, -9], [2, -9], [-9, -9]]
    deltas = [[0.25, 0, 0, math.log(0.5)], [0] * 4, [-1, 0, 0, 0], [0] * 4]
    (result,) = decode(head, outputs(scores, deltas), PLAIN)
    assert result.ids.tolist() == [0, 1]
    assert result.boxes.tolist() == [[0, 8, 0, 16], [2, 2, 10, 6]]  # the first clipped to nothing
    assert result.scores.tolist() == pytest.approx([1 / (1 + math.exp(-2)), 1 / (1 + math.exp(-1))])


def test_softmax_with_the_background_last():
    head = AnchorsHead(size=(16, 16), levels=LEVELS, activation="softmax", background="last")
    (result,) = decode(head, outputs([[0, 9], [9, 0], [0, 9], [0, 9]]), PLAIN)
    assert (result.ids.tolist(), result.boxes.tolist()) == ([0], [[8, 0, 16, 8]])


def test_the_layout_says_what_the_head_says():
    head = AnchorsHead(size=(16, 16), levels=LEVELS, activation="softmax", clamp=0, clip=False)
    at, layout = anchors_of(head, (1, 4, 3))
    assert at[:, :2].tolist() == [[4, 4], [12, 4], [4, 12], [12, 12]]
    assert (layout.background, layout.clamp, layout.clip, layout.levels) == (
        0,
        math.inf,
        None,
        (4,),
    )
    assert anchors_of(head, (1, 4, 3))[0] is at  # made once


@pytest.mark.parametrize("shape", [(5, 2), (4, 1)])
def test_refuses_other_anchors_and_no_classes(shape):
    head = AnchorsHead(size=(16, 16), levels=LEVELS, activation="softmax")
    with pytest.raises(ShapeError, match=r"anchors: 4\n  fix: check head.anchors"):
        decode(head, outputs(np.zeros(shape)), PLAIN)
