"""Which head fits a graph's outputs, guessed from their shapes, names and last operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from edgecv.bundle import Tensor
from edgecv.head import HEADS
from edgecv.init.detectors import DetectorGuess, guess_anchors, guess_yolo_v1, guess_yolo_v3
from edgecv.init.features import guess_keypoints, guess_vector
from edgecv.init.pose import guess_maps, guess_paf
from edgecv.init.regions import guess_two_stage, guess_yolact

_MUCH = 4  # a dense head has at least this many times more anchor points than channels
_BOX = 4
_ROLE_NAMES = {  # names public exporters give the three maps of CenterNet
    "heatmap": ("heatmap", "hm", "heat", "center"),
    "size": ("size", "wh", "scale"),
    "offset": ("offset", "reg", "off"),
}
_ENDS = {"Softmax", "Sigmoid", "HardSigmoid"}  # after these, values are probabilities

LastOperators = Callable[[str], set[str]]


@dataclass(frozen=True)
class HeadGuess:
    """A head that fits.

    Attributes:
        kind: Key of `head.HEADS`.
        outputs: Role -> name of the output.
        classes: Number of classes; 0 if not known.
        values: Further keys of the head, e.g. {"activation": "none"}.
        why: Key of the head, or "kind" -> the reason in words, for a comment.
    """

    kind: str
    outputs: dict[str, str]
    classes: int
    values: dict[str, Any] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)


def guess_head(
    found: tuple[Tensor, ...], size: tuple[int, int], last: LastOperators, kind: str = ""
) -> HeadGuess | None:
    """The head that fits the outputs of one image; None if none does, or several might.

    Args:
        found: The graph's outputs.
        size: (height, width) of the input in pixels.
        last: Output name -> types of the operators that made its values.
        kind: The head the user named; empty: any.
    """
    guesses: Mapping[str, Callable[..., HeadGuess | None]] = {
        "classify": _classify,
        "dense": _dense,
        "centernet": _centernet,
        "anchors": partial(_detector, kind="anchors", guess=guess_anchors),
        "yolo_v3": partial(_detector, kind="yolo_v3", guess=guess_yolo_v3),
        "yolact": partial(_detector, kind="yolact", guess=guess_yolact),
        "segment": partial(_segment, named=kind == "segment"),
        "keypoints": _features,
        "features": partial(_features, named=kind),
        "paf": _pose,
        "heatmap": partial(_pose, named=kind),
        "integral": partial(_pose, named=kind),
    }
    if kind in ("two_stage", "two_stage_masks"):  # the same outputs: which, the user knows
        return _detector(found, size, last, kind=kind, guess=guess_two_stage)
    if kind == "yolo_v1":  # never by itself: a classifier of 1470 classes has the same shape
        return _detector(found, size, last, kind=kind, guess=guess_yolo_v1)
    for name, guess in guesses.items():
        if kind in ("", name) and (result := guess(found, size, last)):
            return result
    return None


def _detector(
    found: tuple[Tensor, ...],
    size: tuple[int, int],
    last: LastOperators,
    *,
    kind: str,
    guess: Callable[..., DetectorGuess | None],
) -> HeadGuess | None:
    result = guess(found, size, last)
    return HeadGuess(kind, *result) if result else None


def _classify(
    found: tuple[Tensor, ...], size: tuple[int, int], last: LastOperators
) -> HeadGuess | None:
    if len(found) != 1:
        return None
    item = found[0]
    flat = [side for side in item.shape[1:] if side != 1]
    if len(flat) != 1 or (len(item.shape) > 2 and item.shape[1] != flat[0]):
        return None
    ends = last(item.name) & _ENDS
    why = {"kind": f"one output of shape {list(item.shape)}: {flat[0]} scores per image"}
    why["activation"] = (
        f"the graph ends in {', '.join(sorted(ends))}" if ends else "the graph ends in raw scores"
    )
    values = {"activation": "none" if ends else "softmax"}
    return HeadGuess("classify", {"logits": item.name}, flat[0], values, why)


def _dense(
    found: tuple[Tensor, ...], size: tuple[int, int], last: LastOperators
) -> HeadGuess | None:
    if len(found) != 1 or len(found[0].shape) != 3:
        return None
    item = found[0]
    _, rows, columns = item.shape
    channels, points = min(rows, columns), max(rows, columns)
    if channels <= _BOX or points < _MUCH * channels:
        return None
    layout = "channels_first" if rows == channels else "channels_last"
    objectness = layout == "channels_last" and points in _anchor_points(size)
    first = _BOX + objectness
    if channels <= first:
        return None
    ends = last(item.name) & _ENDS
    values: dict[str, Any] = {
        "layout": layout,
        "boxes": "cxcywh",
        "activation": "none" if ends else "sigmoid",
    }
    why = {
        "kind": f"one output of shape {list(item.shape)}: {points} points of {first} + "
        f"{channels - first} values",
        "layout": f"the smaller side, {channels}, is the channels",
        "boxes": "a guess (centre, width, height); xyxy is the other",
        "activation": "the graph ends in a sigmoid" if ends else "no sigmoid at the graph's end",
    }
    if objectness:
        values["objectness"] = True
        why["objectness"] = f"{points} points are three anchors a cell, as in YOLOv5 and YOLOv7"
    return HeadGuess("dense", {"predictions": item.name}, channels - first, values, why)


def _anchor_points(size: tuple[int, int]) -> set[int]:
    """How many points YOLO heads of three anchors a cell have: strides 8 to 32, and to 64."""
    cells = [(size[0] // stride) * (size[1] // stride) for stride in (8, 16, 32, 64)]
    return {3 * sum(cells[:3]), 3 * sum(cells)}


def _centernet(
    found: tuple[Tensor, ...], size: tuple[int, int], last: LastOperators
) -> HeadGuess | None:
    maps = [item for item in found if len(item.shape) == 4]
    if len(found) != 3 or len(maps) != 3 or len({item.shape[2:] for item in maps}) != 1:
        return None
    roles, by = _maps(maps)
    height, width = maps[0].shape[2:]
    stride = size[0] // max(height, 1)
    if roles is None or stride < 1 or (height * stride, width * stride) != size:
        return None
    heat = roles["heatmap"]
    ends = last(heat.name) & _ENDS
    why = {
        "kind": f"three maps of {height}x{width} cells, two of them with 2 channels",
        "outputs": by,
        "stride": f"{size[0]} input pixels / {height} cells",
        "activation": "the heatmap ends in a sigmoid" if ends else "the heatmap holds raw scores",
        "size_unit": "a guess: published weights count in cells",
    }
    values = {"stride": stride, "activation": "none" if ends else "sigmoid", "size_unit": "cell"}
    names = {role: item.name for role, item in roles.items()}
    return HeadGuess("centernet", names, heat.shape[1], values, why)


def _segment(
    found: tuple[Tensor, ...], size: tuple[int, int], last: LastOperators, *, named: bool
) -> HeadGuess | None:
    """Maps smaller than the input may as well be heatmaps of joints: the user has to say so."""
    if len(found) != 1 or len(found[0].shape) not in (3, 4):
        return None
    item = found[0]
    cells = item.shape[-2:]
    if len(item.shape) == 3 or (item.shape[1] == 1 and item.dtype != "float32"):
        if item.dtype == "float32" or not (named or cells == size):
            return None
        why = {"kind": f"one output of {cells[0]}x{cells[1]} whole numbers: a label per pixel"}
        why["form"] = "the graph ends in an argmax"
        return HeadGuess("segment", {"logits": item.name}, 0, {"form": "labels"}, why)
    if not named and (cells != size or item.shape[1] < 2):
        return None
    classes = max(2, item.shape[1])
    why = {
        "kind": f"one output of {item.shape[1]} maps of {cells[0]}x{cells[1]}: a score per pixel"
    }
    return HeadGuess("segment", {"logits": item.name}, classes, {"form": "logits"}, why)


def _pose(
    found: tuple[Tensor, ...], size: tuple[int, int], last: LastOperators, *, named: str = "paf"
) -> HeadGuess | None:
    """A map a joint may as well be a segmenter's: heads without fields have to be named."""
    guess = guess_maps if named in ("heatmap", "integral") else guess_paf
    told = guess(found, size) if named else None
    return told and HeadGuess(named, told.outputs, 0, told.values, told.why)


def _features(
    found: tuple[Tensor, ...],
    size: tuple[int, int],
    last: LastOperators,
    *,
    named: str = "keypoints",
) -> HeadGuess | None:
    guess = guess_vector if named == "features" else guess_keypoints
    told = guess(found, size) if named else None
    return told and HeadGuess(named, told.outputs, 0, told.values, told.why)


def _maps(maps: list[Tensor]) -> tuple[dict[str, Tensor] | None, str]:
    """(role -> map, how it was found out): by name, else heatmap, size, offset in this order."""
    named = {
        role: [item for item in maps if _sounds_like(item.name, role)]
        for role in HEADS["centernet"].roles
    }
    if all(len(items) == 1 for items in named.values()):
        roles = {role: items[0] for role, items in named.items()}
        by = "by their names"
    else:
        pairs = [item for item in maps if item.shape[1] == 2]
        rest = [item for item in maps if item.shape[1] != 2]
        if len(pairs) != 2 or len(rest) != 1:
            return None, ""
        roles = {"heatmap": rest[0], "size": pairs[0], "offset": pairs[1]}
        by = "a guess by their order: size before offset"
    two = roles["size"].shape[1] == 2 == roles["offset"].shape[1]
    return (roles, by) if two else (None, "")


def _sounds_like(name: str, role: str) -> bool:
    words = name.lower().replace("/", "_").replace(".", "_").replace(":", "_").split("_")
    return any(word.rstrip("0123456789") in _ROLE_NAMES[role] for word in words)
