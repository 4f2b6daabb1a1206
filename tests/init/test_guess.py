"""Heads are guessed from shapes, names and last operators; a doubtful graph fits none."""

from __future__ import annotations

import pytest

from edgecv.bundle import Tensor
from edgecv.init.guess import guess_head

SIZE = (64, 96)


def found(**shapes):
    return tuple(Tensor(name=name, shape=s, dtype="float32") for name, s in shapes.items())


def guess(outputs, kind="", last=()):
    return guess_head(outputs, SIZE, lambda name: set(last), kind)


def test_classifier_says_why():
    head = guess(found(prob=(1, 7)), last=("Softmax", "Gemm"))
    assert (head.kind, head.outputs, head.classes) == ("classify", {"logits": "prob"}, 7)
    assert head.values == {"activation": "none"}
    assert head.why == {
        "kind": "one output of shape [1, 7]: 7 scores per image",
        "activation": "the graph ends in Softmax",
    }
    raw = guess(found(prob=(1, 7)), last=("Gemm",))
    assert raw.values == {"activation": "softmax"}


NO_CLASSIFIER = [
    pytest.param({"y": (1, 1, 7)}, id="scores-last"),
    pytest.param({"y": (1, 1)}, id="one-score"),
    pytest.param({"y": (1, 7, 2)}, id="two-sides"),
    pytest.param({"y": (7,)}, id="no-batch"),
    pytest.param({"y": (1, 7), "z": (1, 7)}, id="two-outputs"),
]


@pytest.mark.parametrize("shapes", NO_CLASSIFIER)
def test_what_is_not_one_vector_is_no_classifier(shapes):
    assert guess(found(**shapes), "classify") is None


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        pytest.param((1, 6, 24), "channels_first", id="first"),
        pytest.param((1, 24, 6), "channels_last", id="last"),
        pytest.param((1, 6, 23), None, id="less-than-four-times-the-channels"),
        pytest.param((1, 4, 100), None, id="boxes-without-scores"),
    ],
)
def test_dense_head_has_many_more_points_than_channels(shape, layout):
    head = guess(found(y=shape), last=("Concat",))
    assert (head and head.values) == (
        layout and {"layout": layout, "boxes": "cxcywh", "activation": "sigmoid"}
    )
    assert head is None or head.classes == 2
    assert head is None or "24 points of 4 + 2 values" in head.why["kind"]


@pytest.mark.parametrize(
    ("shape", "objectness"),
    [
        pytest.param((1, 378, 8), True, id="three-anchors-a-cell"),  # 3 * (96 + 24 + 6)
        pytest.param((1, 381, 8), True, id="with-stride-64"),
        pytest.param((1, 126, 8), False, id="one-anchor-a-cell"),
        pytest.param((1, 8, 378), False, id="channels-first"),
    ],
)
def test_dense_head_of_three_anchors_a_cell_has_objectness(shape, objectness):
    head = guess(found(y=shape), last=("Sigmoid",))
    assert head.values.get("objectness", False) == objectness
    assert head.classes == (3 if objectness else 4)
    assert ("objectness" in head.why) == objectness


def test_dense_head_with_objectness_alone_fits_nothing():
    assert guess(found(y=(1, 378, 5)), "dense") is None


MAPS = [
    pytest.param({"a.wh:0": 2, "reg": 2, "net/hm1": 2}, "net/hm1 a.wh:0 reg", "names", id="named"),
    pytest.param({"s": 2, "o": 2, "h": 5}, "h s o", "order", id="unnamed"),
    pytest.param({"show": 5, "swhirl": 2, "reggae": 2}, "show swhirl reggae", "order", id="whole"),
    pytest.param({"a": 2, "b": 2, "c": 2}, None, None, id="which-is-the-heatmap"),
    pytest.param({"hm": 2, "wh": 4, "reg": 2}, None, None, id="a-size-of-four"),
]


@pytest.mark.parametrize(("channels", "names", "by"), MAPS)
def test_centernet_maps_are_told_apart_by_name_then_by_order(channels, names, by):
    head = guess(found(**{name: (1, c, 16, 24) for name, c in channels.items()}))
    assert (" ".join(head.outputs.values()) if head else None) == names
    assert head is None or by in head.why["outputs"]
    assert head is None or head.values["stride"] == 4


@pytest.mark.parametrize(
    ("sides", "fits"),
    [
        pytest.param((64, 96), True, id="stride-one"),
        pytest.param((16, 16), False, id="two-strides"),
        pytest.param((20, 30), False, id="no-whole-stride"),
        pytest.param((128, 192), False, id="larger-than-the-input"),
    ],
)
def test_centernet_needs_one_whole_stride(sides, fits):
    head = guess(found(hm=(1, 3, *sides), wh=(1, 2, *sides), reg=(1, 2, *sides)))
    assert (head is not None) == fits


def test_named_head_is_the_only_one_tried():
    dense = found(y=(1, 6, 24))
    assert guess(dense, "dense").kind == "dense"
    assert guess(dense, "classify") is None
    assert guess(dense, "centernet") is None


def test_segmenter_of_the_inputs_size_needs_no_name():
    head = guess(found(out=(1, 21, *SIZE)))
    assert (head.kind, head.outputs, head.classes) == ("segment", {"logits": "out"}, 21)
    assert head.values == {"form": "logits"}
    assert head.why["kind"] == "one output of 21 maps of 64x96: a score per pixel"


def test_small_maps_may_be_heatmaps_so_a_segmenter_is_named():
    assert guess(found(out=(1, 21, 8, 12))) is None
    assert guess(found(out=(1, 21, 8, 12)), "segment").classes == 21
    assert guess(found(mask=(1, 1, *SIZE))) is None
    assert guess(found(mask=(1, 1, *SIZE)), "segment").classes == 2


def test_whole_numbers_are_labels():
    ids = (Tensor(name="ids", shape=(1, *SIZE), dtype="int64"),)
    head = guess(ids)
    assert (head.kind, head.values, head.classes) == ("segment", {"form": "labels"}, 0)
    small = (Tensor(name="ids", shape=(1, 1, 8, 12), dtype="int64"),)
    assert guess(small) is None
    assert guess(small, "segment").values == {"form": "labels"}
    assert guess(found(out=(1, 9, 8)), "segment") is None
