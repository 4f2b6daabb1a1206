"""Raw outputs of detectors are told by their shapes."""

import pytest

from edgecv.bundle import Tensor
from edgecv.head import HEADS
from edgecv.init.detectors import anchor_count
from edgecv.init.guess import guess_head


def guess(size, kind="", last=(), **shapes):
    found = tuple(Tensor(name=name, shape=s, dtype="float32") for name, s in shapes.items())
    return guess_head(found, size, lambda name: set(last), kind)


def test_ssd():
    head = guess((300, 300), loc=(1, 8732, 4), conf=(1, 8732, 21))
    assert (head.kind, head.classes) == ("anchors", 20)
    assert head.outputs == {"scores": "conf", "deltas": "loc"}
    assert head.values == {
        "size": [300, 300],
        "anchors": "ssd300",
        "activation": "softmax",
        "variances": [0.1, 0.1, 0.2, 0.2],
    }
    HEADS["anchors"](**head.values)


def test_ssd_with_its_softmax_in_the_graph_does_not_fit():
    shapes = {"loc": (1, 8732, 4), "conf": (1, 8732, 21)}
    assert guess((300, 300), "anchors", ("Softmax",), **shapes) is None


def test_retinanet_says_that_efficientdet_looks_the_same():
    head = guess((512, 512), a=(1, 49104, 90), b=(1, 49104, 4), last=("Sigmoid",))
    assert (head.values["anchors"], head.values["activation"]) == ("retinanet", "none")
    assert "anchors: efficientdet, deltas: yxhw, clamp: 0" in head.why["anchors"]
    assert head.outputs == {"scores": "a", "deltas": "b"}


@pytest.mark.parametrize(
    "shapes",
    [
        pytest.param({"a": (1, 49104, 4), "b": (1, 49104, 4)}, id="which-are-the-boxes"),
        pytest.param({"a": (1, 49103, 4), "b": (1, 49103, 9)}, id="no-known-count"),
        pytest.param({"a": (1, 49104, 4), "b": (1, 9, 49104)}, id="channels-first"),
    ],
)
def test_doubtful_anchors_fit_nothing(shapes):
    assert guess((512, 512), **shapes) is None


def test_names_tell_four_classes_from_four_deltas():
    head = guess((512, 512), cls_logits=(1, 49104, 4), regression=(1, 49104, 4))
    assert head.outputs == {"scores": "cls_logits", "deltas": "regression"}


def test_anchor_counts_are_the_published_ones():
    assert anchor_count("ssd300", (300, 300)) == 8732
    assert anchor_count("efficientdet", (512, 512)) == 49104


def test_yolo_v3_maps_come_in_any_order():
    shapes = {"fine": (1, 255, 52, 52), "coarse": (1, 255, 13, 13), "mid": (1, 255, 26, 26)}
    head = guess((416, 416), **shapes)
    assert (head.kind, head.classes) == ("yolo_v3", 80)
    assert head.outputs == {"scale1": "coarse", "scale2": "mid", "scale3": "fine"}
    assert head.values == {"layout": "channels_first"}
    HEADS["yolo_v3"](outputs=head.outputs, **head.values)


def test_yolo_v5_maps_keep_their_anchors_apart():
    shapes = {
        name: (1, 3, 640 // s, 480 // s, 7) for name, s in zip("abc", (8, 16, 32), strict=True)
    }
    head = guess((640, 480), **shapes)
    assert head.outputs == {"scale1": "c", "scale2": "b", "scale3": "a"}
    assert head.values == {"layout": "channels_last", "scale_xy": [2], "sizes": "square"}
    HEADS["yolo_v3"](outputs=head.outputs, **head.values)


@pytest.mark.parametrize(
    "shapes",
    [
        pytest.param([(1, 255, 52, 52), (1, 255, 13, 13)], id="two-maps"),
        pytest.param([(1, 255, 52, 52), (1, 255, 13, 13), (1, 18, 26, 26)], id="other-classes"),
        pytest.param([(1, 15, 52, 52), (1, 15, 13, 13), (1, 15, 26, 26)], id="no-class"),
        pytest.param([(1, 255, 52, 52), (1, 255, 13, 13), (1, 255, 13, 13)], id="strides"),
        pytest.param([(1, 2, s, s, 85) for s in (13, 26, 52)], id="two-anchors"),
    ],
)
def test_other_maps_are_no_yolo(shapes):
    assert guess((416, 416), "yolo_v3", **dict(zip("abc", shapes, strict=False))) is None


def test_yolo_v1_must_be_named():
    assert guess((448, 448), y=(1, 1470)).kind == "classify"
    head = guess((448, 448), "yolo_v1", y=(1, 1470))
    assert (head.classes, head.values) == (20, {"size": [448, 448], "order": "darknet"})
    assert guess((448, 448), "yolo_v1", y=(1, 7, 7, 30)).values["order"] == "cells"
    for shape in ((1, 1471), (1, 490), (1, 30, 7, 7), (1, 1470, 1)):
        assert guess((448, 448), "yolo_v1", y=shape) is None
    HEADS["yolo_v1"](**head.values)
