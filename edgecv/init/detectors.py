"""Which detector's raw outputs a graph has: anchors and their deltas, or YOLO's maps."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, prod
from typing import Any, NamedTuple

from edgecv.bundle import Tensor
from edgecv.head.anchors import PRESETS
from edgecv.head.yolo import YoloV3Head

LastOperators = Callable[[str], set[str]]
Size = tuple[int, int]

_SCORES = ("score", "scores", "cls", "class", "classification", "logits", "conf", "confidences")
_STRIDES = (32, 16, 8)
_BEFORE = 5  # x, y, width, height, objectness


class DetectorGuess(NamedTuple):
    """What `guess.HeadGuess` is made of, besides the kind."""

    outputs: dict[str, str]
    classes: int
    values: dict[str, Any]
    why: dict[str, str]


def guess_anchors(
    found: tuple[Tensor, ...], size: Size, last: LastOperators
) -> DetectorGuess | None:
    """Two outputs (N, A, C) and (N, A, 4), where a published method has A anchors at this size."""
    if len(found) != 2 or any(len(item.shape) != 3 for item in found):
        return None
    boxes = [item for item in found if item.shape[2] == 4 and not _scores(item.name)]
    if len(boxes) != 1 or found[0].shape[1] != found[1].shape[1]:
        return None
    (scores,) = (item for item in found if item is not boxes[0])
    count = scores.shape[1]
    preset = next((name for name in PRESETS if anchor_count(name, size) == count), "")
    ends = last(scores.name)
    ssd = preset.startswith("ssd")
    classes = scores.shape[2] - ssd
    if not preset or classes < 1 or (ssd and "Softmax" in ends):
        return None  # probabilities with a background: the head wants the logits
    activation = "softmax" if ssd else "none" if ends & {"Sigmoid", "HardSigmoid"} else "sigmoid"
    values: dict[str, Any] = {"size": list(size), "anchors": preset, "activation": activation}
    why = {
        "kind": f"{count} anchors with {scores.shape[2]} scores and 4 deltas each",
        "anchors": f"{preset} has {count} at {size[0]}x{size[1]}",
    }
    if ssd:
        values["variances"] = [0.1, 0.1, 0.2, 0.2]
        why["activation"] = "SSD scores its background first"
    elif preset == "retinanet":
        why["anchors"] += "; so has EfficientDet: anchors: efficientdet, deltas: yxhw, clamp: 0"
    return DetectorGuess({"scores": scores.name, "deltas": boxes[0].name}, classes, values, why)


def anchor_count(preset: str, size: Size) -> int:
    """How many anchors a published method has over an input of `size` (height, width)."""
    return sum(
        prod(level.grid or tuple(ceil(side / level.stride) for side in size)) * len(level.boxes)
        for level in PRESETS[preset]()
    )


def guess_yolo_v3(
    found: tuple[Tensor, ...], size: Size, last: LastOperators
) -> DetectorGuess | None:
    """Three maps of strides 32, 16 and 8 with three anchors a cell."""
    last_channels = {len(item.shape) for item in found} == {5}
    anchors = len(YoloV3Head().anchors[0])
    if len(found) != 3 or {len(item.shape) for item in found} not in ({4}, {5}):
        return None
    channels = {item.shape[4] * item.shape[1] if last_channels else item.shape[1] for item in found}
    values_of_all = channels.pop()
    if channels or values_of_all % anchors or values_of_all // anchors <= _BEFORE:
        return None
    if last_channels and {item.shape[1] for item in found} != {anchors}:
        return None
    grid = slice(2, 4)
    by_stride = {
        stride: [item for item in found if item.shape[grid] == tuple(s // stride for s in size)]
        for stride in _STRIDES
    }
    if any(len(items) != 1 for items in by_stride.values()):
        return None
    outputs = {f"scale{i}": items[0].name for i, items in enumerate(by_stride.values(), 1)}
    classes = values_of_all // anchors - _BEFORE
    why = {
        "kind": f"maps of strides 32, 16 and 8 with {anchors} * (5 + {classes}) values a cell",
        "outputs": "the coarsest first, as the head's anchors are: a guess that they are YOLOv3's",
    }
    values: dict[str, Any] = {"layout": "channels_last" if last_channels else "channels_first"}
    if last_channels:
        values |= {"scale_xy": [2], "sizes": "square"}
        why["sizes"] = "anchors apart from values: YOLOv5 to YOLOv7"
    return DetectorGuess(outputs, classes, values, why)


def guess_yolo_v1(
    found: tuple[Tensor, ...], size: Size, last: LastOperators
) -> DetectorGuess | None:
    """One output of S * S * (2 * 5 + C) values for S = 7; only where the head was named."""
    side, boxes = 7, 2
    if len(found) != 1 or len(found[0].shape) not in (2, 4):
        return None
    each, rest = divmod(prod(found[0].shape[1:]), side**2)
    classes = each - 5 * boxes
    if rest or classes < 1 or (len(found[0].shape) == 4 and found[0].shape[1:3] != (side, side)):
        return None
    order = "cells" if len(found[0].shape) == 4 else "darknet"
    why = {
        "kind": f"{side} x {side} cells of 2 * 5 + {classes} values",
        "order": "a guess: `cells` goes cell by cell, `darknet` as the authors' code writes",
    }
    values = {"size": list(size), "order": order}
    return DetectorGuess({"grid": found[0].name}, classes, values, why)


def _scores(name: str) -> bool:
    words = name.lower().replace("/", "_").replace(".", "_").replace(":", "_").split("_")
    return any(word.rstrip("0123456789") in _SCORES for word in words)
