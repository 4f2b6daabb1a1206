"""Do the graph's outputs fit the head that will decode them?"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from edgecv.bundle import Tensor
from edgecv.errors import RecipeError
from edgecv.head import YoloV1Head, YoloV3Head
from edgecv.recipe import Recipe

_BOX = 4  # box values before the class scores of a dense head


def check_roles(recipe: Recipe, outputs: Sequence[Tensor]) -> None:
    """Hold the graph's outputs to the head's roles and its class names.

    Raises:
        RecipeError: a role has no output, or the number of class names is another.
    """
    head = recipe.head
    known = {item.name: item for item in outputs}
    for role in head.roles:
        name = head.tensor(role)
        if name not in known:
            raise RecipeError(
                f"head: no output plays the role {role!r}",
                expected_output=name,
                graph_outputs=", ".join(known),
                fix=f"head: {{outputs: {{{role}: NAME}}}}",
            )
    scored = known[head.tensor(head.roles[0])]
    classes = class_count(recipe.head, scored.shape)
    if head.names and classes > 0 and classes != len(head.names):
        raise RecipeError(
            "head.names does not fit the graph's classes",
            names=len(head.names),
            graph_classes=classes,
            output=scored.name,
        )


def class_count(head: object, shape: tuple[int, ...]) -> int:
    """Classes that the first role's tensor of `shape` scores; -1 where it does not say."""
    kind = getattr(head, "kind", "")
    if kind == "dense":
        last = getattr(head, "layout", "channels_first") == "channels_last"
        side = shape[-1 if last else 1] if len(shape) == 3 else -1
        before = _BOX + int(getattr(head, "objectness", False))
        return side - before if side > before else -1
    if kind in ("anchors", "yolact"):
        background = getattr(head, "activation", "") == "softmax"
        return shape[2] - background if len(shape) == 3 and shape[2] > background else -1
    if isinstance(head, YoloV1Head | YoloV3Head):
        return _yolo_classes(head, shape)
    if kind in ("keypoints", "features"):
        return -1  # no classes
    if kind in ("paf", "two_stage", "two_stage_masks"):
        return -1  # a background's map may follow the joints'; a part of its own scores classes
    if kind == "segment":
        labels = getattr(head, "form", "logits") == "labels"
        return -1 if labels or len(shape) != 4 else max(2, shape[1])  # one channel: two classes
    return shape[1] if len(shape) >= 2 else -1


def _yolo_classes(head: YoloV1Head | YoloV3Head, shape: tuple[int, ...]) -> int:
    """Of a grid (N, S * S * values) or (N, S, S, values), or of the first scale's map."""
    if min(shape[1:], default=-1) < 1:
        return -1
    if isinstance(head, YoloV1Head):
        return prod(shape[1:]) // head.side**2 - 5 * head.boxes
    last = head.layout == "channels_last"
    return (shape[-1] if last else shape[1] // len(head.anchors[0])) - 5
