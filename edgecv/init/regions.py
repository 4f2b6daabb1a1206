"""Which instance segmenter's or two-stage detector's raw outputs a graph has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from math import ceil, prod
from typing import Any

from edgecv.bundle import Tensor
from edgecv.head import TwoStageHead, YolactHead
from edgecv.init.detectors import DetectorGuess

LastOperators = Callable[[str], set[str]]
Size = tuple[int, int]

_YOLO_STRIDES = (8, 16, 32)
_BOX = 4


def guess_yolact(
    found: tuple[Tensor, ...], size: Size, last: LastOperators
) -> DetectorGuess | None:
    """Boxes, scores and coefficients (N, A, ...) beside prototypes (N, k, h, w) or (N, h, w, k).

    A must be YOLACT's number of anchors, or that of a YOLO without anchors: it says what the
    boxes are. Scores and coefficients are told apart by k.
    """
    rows = [item for item in found if len(item.shape) == 3]
    maps = [item for item in found if len(item.shape) == 4]
    if len(found) != 4 or len(rows) != 3 or len({item.shape[1] for item in rows}) != 1:
        return None
    boxes = [item for item in rows if item.shape[2] == _BOX]
    rest = [item for item in rows if item.shape[2] != _BOX]
    if len(boxes) != 1:
        return None
    fits = {i: _channels_last(maps[0], item.shape[2]) for i, item in enumerate(rest)}
    fitting = [i for i, form in fits.items() if form is not None]
    if len(fitting) != 1:
        return None  # as many classes as prototypes, or a map that is none
    coefficients, scores = rest[fitting[0]], rest[1 - fitting[0]]
    told = _what_boxes_are(rows[0].shape[1], size, last(scores.name))
    classes = scores.shape[2] - (told is not None and told[0]["activation"] == "softmax")
    if told is None or classes < 1:
        return None
    values, why = told
    if fits[fitting[0]]:
        values["channels_last"] = True
    outputs = {"scores": scores.name, "boxes": boxes[0].name}
    outputs |= {"coefficients": coefficients.name, "prototypes": maps[0].name}
    why["kind"] = (
        f"{rows[0].shape[1]} boxes with {scores.shape[2]} scores and {coefficients.shape[2]} "
        f"coefficients each, for as many prototypes"
    )
    return DetectorGuess(outputs, classes, values, why)


def _channels_last(maps: Tensor, count: int) -> bool | None:
    """Where `maps` has its `count` prototypes: first, last, or (None) nowhere or both."""
    first, final = maps.shape[1] == count, maps.shape[3] == count
    return None if first == final else final


def _what_boxes_are(
    count: int, size: Size, ends: set[str]
) -> tuple[dict[str, Any], dict[str, str]] | None:
    """(values of the head, why) by how many boxes there are; None: no known method's number."""
    head = YolactHead()
    of_yolact = len(head.ratios) * sum(_cells(size, stride) for stride in head.strides)
    probabilities = ends & {"Sigmoid", "HardSigmoid"}
    if count == of_yolact:
        if "Softmax" in ends or probabilities:
            return None  # probabilities with a background: the head wants the logits
        why = {"boxes": f"YOLACT has {count} anchors at {size[0]}x{size[1]}"}
        why["activation"] = "YOLACT scores its background first"
        return {"boxes": "deltas", "activation": "softmax"}, why
    if count == sum(_cells(size, stride) for stride in _YOLO_STRIDES):
        why = {"boxes": "a guess (centre, width, height), as YOLOv8 has them; xyxy is the other"}
        why["activation"] = "the graph ends in a sigmoid" if probabilities else "raw scores"
        return {"boxes": "cxcywh", "activation": "none" if probabilities else "sigmoid"}, why
    return None


def _cells(size: Size, stride: float) -> int:
    return prod(ceil(side / stride) for side in size)


def guess_two_stage(
    found: tuple[Tensor, ...], size: Size, last: LastOperators
) -> DetectorGuess | None:
    """Objectness (N, A, h, w) and deltas (N, 4 A, h, w) on five levels, features on the first four.

    Whether masks follow is a matter of the parts that are added: the head has to be named.
    """
    levels = defaultdict(list)
    for item in found:
        if len(item.shape) == 4:
            levels[item.shape[2:]].append(item)
    grids = sorted(levels, reverse=True)
    roles = TwoStageHead.roles
    if len(found) != len(roles) or len(grids) != 5:
        return None
    outputs: dict[str, str] = {}
    counts = set()
    for level, grid in enumerate(grids, 2):
        at = sorted(levels[grid], key=lambda item: item.shape[1])
        want = [f"{name}{level}" for name in ("objectness", "deltas", "features")]
        want = [name for name in want if name in roles]
        if len(at) != len(want) or at[1].shape[1] != _BOX * at[0].shape[1]:
            return None  # or features thinner than the deltas: not told apart by shape
        outputs |= {role: item.name for role, item in zip(want, at, strict=True)}
        counts.add(at[0].shape[1])
    if counts != {len(TwoStageHead().ratios)}:
        return None
    strides = [round(size[0] / grid[0], 3) for grid in grids[:-1]]
    values: dict[str, Any] = {"strides": strides}
    why = {
        "kind": f"{counts.pop()} anchors a cell on five levels, features on four of them; the "
        "second stage is added by edgecv.build.parts (docs/own-model.md)",
        "strides": "input pixels per cell",
    }
    return DetectorGuess({role: outputs[role] for role in roles}, 0, values, why)
