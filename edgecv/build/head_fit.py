"""Whether a recipe's head can read what a graph puts out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from edgecv.engines import Array
from edgecv.errors import EdgecvError, ShapeError
from edgecv.recipe import Recipe

Shape = tuple[int, ...]


class HeadMisfit(ShapeError):
    """A graph's outputs are not what the recipe's head takes."""


def require_head(recipe: Recipe, outputs: Mapping[str, Array]) -> None:
    """The outputs become results: else a bundle would be built that nobody can run.

    Args:
        recipe: Whose head.
        outputs: Output name -> array, of one batch.

    Raises:
        HeadMisfit: an output is missing or has another shape, the head names another number of
            classes than the graph has, or its size or strides are not those of input and maps.
    """
    from edgecv.runtime.heads import decode
    from edgecv.runtime.preprocess import Preprocessor

    head = recipe.head
    size = getattr(head, "size", recipe.input.size)
    if size != recipe.input.size:
        raise HeadMisfit(
            "head.size is not the size of the network's input",
            head_size=list(size),
            input_size=list(recipe.input.size),
            fix=f"--set head.size={list(recipe.input.size)}",
        )
    try:
        decode(head, outputs, [Preprocessor(recipe.input).geometry(recipe.input.size)])
    except EdgecvError as err:
        raise HeadMisfit(err.what, fix=err.fix, **err.facts) from err
    shapes = {role: outputs[head.tensor(role)].shape for role in head.roles}
    count = CLASSES[head.kind](head, shapes) if head.kind in CLASSES else 0
    if head.names and count and len(head.names) != count:
        raise HeadMisfit(
            "head.names are not the graph's classes",
            names=len(head.names),
            graph_classes=count,
            fix=f"give {count} names, or none",
        )
    _require_strides(recipe, shapes)


def _require_strides(recipe: Recipe, shapes: Mapping[str, Shape]) -> None:
    """Maps of h x w cells of `stride` pixels cover the input, give or take a cell."""
    head: Any = recipe.head
    for role, shape in shapes.items():
        first = 2 if len(shape) in (4, 5) else len(shape)
        stride = _stride(head, role)
        sides = zip(shape[first : first + 2], recipe.input.size, strict=False)
        if stride and any(abs(cells * stride - side) >= stride for cells, side in sides):
            raise HeadMisfit(
                f"head {head.kind}: {role} has cells of another stride",
                cells=f"{shape[first]} x {shape[first + 1]}",
                stride_pixels=stride,
                input=f"{recipe.input.size[0]} x {recipe.input.size[1]}",
                fix="check head.stride or head.strides in the recipe",
            )


def _stride(head: Any, role: str) -> float:
    if head.kind == "yolo_v3":
        return float(head.strides[head.roles.index(role)])
    if head.kind in ("heatmap", "integral", "paf", "centernet"):
        return float(head.stride)
    return 0


# Classes the outputs of a head are about, by kind; a head without classes, or whose classes a part
# tells, is not here.
CLASSES: dict[str, Callable[[Any, Mapping[str, Shape]], int]] = {
    "classify": lambda head, shapes: math.prod(shapes["logits"][1:]),
    "centernet": lambda head, shapes: shapes["heatmap"][1],
    "dense": lambda head, shapes: (
        shapes["predictions"][1 if head.layout == "channels_first" else 2] - 4 - head.objectness
    ),
    "anchors": lambda head, shapes: shapes["scores"][2] - (head.activation == "softmax"),
    "yolo_v1": lambda head, shapes: math.prod(shapes["grid"][1:]) // head.side**2 - 5 * head.boxes,
    "yolo_v3": lambda head, shapes: (
        shapes["scale1"][4] - 5
        if head.layout == "channels_last"
        else shapes["scale1"][1] // len(head.anchors[0]) - 5
    ),
    "segment": lambda head, shapes: max(2, shapes["logits"][1]) if head.form == "logits" else 0,
    "yolact": lambda head, shapes: shapes["scores"][2] - (head.activation == "softmax"),
}
