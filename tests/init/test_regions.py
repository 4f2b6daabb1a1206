"""Instance segmenters and two-stage detectors are told by shapes alone, or not at all."""

import pytest

from edgecv.bundle import Tensor
from edgecv.head import HEADS
from edgecv.init.guess import guess_head

SIZE = (550, 550)
ANCHORS = 3 * (69**2 + 35**2 + 18**2 + 9**2 + 5**2)  # 19248, as the paper's code has
POINTS = 80**2 + 40**2 + 20**2


def found(**shapes):
    return tuple(Tensor(name=name, shape=s, dtype="float32") for name, s in shapes.items())


def guess(outputs, size=SIZE, kind="", last=()):
    return guess_head(outputs, size, lambda name: set(last), kind)


def yolact(anchors=ANCHORS, scores=81, prototypes=(1, 32, 138, 138)):
    return found(a=(1, anchors, 4), b=(1, anchors, scores), c=(1, anchors, 32), d=prototypes)


def test_yolact_is_told_by_its_anchors_and_prototypes():
    assert ANCHORS == 19248
    head = guess(yolact())
    assert (head.kind, head.classes) == ("yolact", 80)
    assert head.outputs == {"boxes": "a", "scores": "b", "coefficients": "c", "prototypes": "d"}
    assert head.values == {"boxes": "deltas", "activation": "softmax"}
    assert HEADS["yolact"](outputs=head.outputs, **head.values).boxes == "deltas"
    assert guess(yolact(prototypes=(1, 138, 138, 32))).values["channels_last"] is True


def test_a_yolo_with_masks_has_boxes_of_its_own():
    head = guess(yolact(POINTS, 80, (1, 32, 160, 160)), (640, 640), last=("Sigmoid",))
    assert (head.kind, head.classes) == ("yolact", 80)
    assert head.values == {"boxes": "cxcywh", "activation": "none"}


@pytest.mark.parametrize(
    ("outputs", "last"),
    [
        pytest.param(yolact(ANCHORS - 3), (), id="another-number-of-anchors"),
        pytest.param(yolact(scores=32), (), id="as-many-classes-as-prototypes"),
        pytest.param(yolact(prototypes=(1, 16, 138, 138)), (), id="other-prototypes"),
        pytest.param(yolact(prototypes=(1, 32, 138, 32)), (), id="both-ends"),
        pytest.param(yolact(), ("Softmax",), id="probabilities"),
    ],
)
def test_a_doubtful_instance_segmenter_is_not_guessed(outputs, last):
    assert guess(outputs, last=last) is None


def two_stage(deltas=12, channels=256, levels=5):
    shapes = {}
    for i in range(levels):
        side = 256 >> i
        shapes |= {f"o{i}": (1, 3, side, side), f"d{i}": (1, deltas, side, side)}
        shapes |= {f"f{i}": (1, channels, side, side)} if i < 4 else {}
    return found(**shapes)


@pytest.mark.parametrize("kind", ["two_stage", "two_stage_masks"])
def test_two_stages_are_told_by_their_levels_where_they_are_named(kind):
    outputs = two_stage()[::-1]
    assert guess(outputs, (1024, 1024)) is None
    head = guess(outputs, (1024, 1024), kind)
    assert head.kind == kind
    assert (head.outputs["objectness2"], head.outputs["deltas6"]) == ("o0", "d4")
    assert head.outputs["features5"] == "f3"
    assert set(head.outputs) == set(HEADS[kind].roles)
    assert HEADS[kind](outputs=head.outputs, **head.values).strides == (4, 8, 16, 32)


@pytest.mark.parametrize(
    "outputs",
    [
        pytest.param(two_stage(deltas=13), id="deltas"),
        pytest.param(two_stage(channels=8), id="thin-features"),
        pytest.param(two_stage(levels=4), id="four-levels"),
        pytest.param(two_stage()[:-1], id="one-missing"),
    ],
)
def test_doubtful_levels_are_not_guessed(outputs):
    assert guess(outputs, (1024, 1024), "two_stage") is None
