"""Guesses of pose heads."""

import pytest

from edgecv.bundle import Tensor
from edgecv.head import HEADS
from edgecv.init.guess import guess_head
from edgecv.init.pose import guess_maps, guess_paf

SIZE = (64, 96)


def found(**shapes):
    return tuple(Tensor(name=n, shape=s, dtype="float32") for n, s in shapes.items())


def guess(outputs, kind=""):
    return guess_head(outputs, SIZE, lambda name: set(), kind)


@pytest.mark.parametrize(("maps", "skeleton"), [(17, "coco17"), (18, "coco18"), (5, "own")])
def test_joint_maps_are_known_when_the_head_is_named(maps, skeleton):
    outputs = found(heat=(1, maps, 16, 24))
    for kind in ("heatmap", "integral"):
        head = guess(outputs, kind)
        assert (head.kind, head.outputs) == (kind, {"heatmap": "heat"})
        assert head.values == {"skeleton": skeleton, "stride": 4}
        HEADS[kind](**head.values)
    assert guess(outputs) is None, "it may as well be a segmenter"


@pytest.mark.parametrize(
    ("maps", "skeleton"), [(19, "coco18"), (18, "coco18"), (17, "coco17"), (16, None)]
)
def test_fields_need_no_name(maps, skeleton):
    head = guess(found(pafs=(1, 38, 8, 12), heat=(1, maps, 8, 12)))
    if skeleton is None:
        assert head is None
        return
    assert (head.kind, head.values) == ("paf", {"skeleton": skeleton, "stride": 8})
    assert head.outputs == {"heatmaps": "heat", "pafs": "pafs"}
    HEADS["paf"](**head.values)


def test_maps_of_other_sizes_are_none():
    assert guess_maps(found(heat=(1, 17, 15, 24)), SIZE) is None
    assert guess_maps(found(heat=(1, 17)), SIZE) is None
    assert guess_paf(found(heat=(1, 19, 8, 12), pafs=(1, 38, 16, 24)), SIZE) is None
    assert guess_paf(found(heat=(1, 19, 8, 12)), SIZE) is None
