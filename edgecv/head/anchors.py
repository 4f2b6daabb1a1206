"""Heads of detectors with anchors: SSD, RetinaNet, EfficientDet, region proposals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from edgecv.head.boxes import OneStageHead

Pair = tuple[float, float]
Preset = Literal["retinanet", "ssd300", "ssd512", "efficientdet", "faster_rcnn"]


class AnchorLevel(BaseModel):
    """The anchors of one level of a pyramid.

    Attributes:
        stride: Input pixels per cell.
        boxes: (width, height) in pixels of the anchors of a cell, in the order of the network.
        offset: Where in its cell an anchor is centred: 0.5 its middle, 0 its top left corner.
        grid: (height, width) in cells; left out: as many as cover the input.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    stride: float = Field(gt=0)
    boxes: tuple[Pair, ...] = Field(min_length=1)
    offset: float = Field(0.5, ge=0, le=1)
    grid: tuple[int, int] | None = None


class AnchorsHead(OneStageHead):
    """`scores` (N, A, C) and `deltas` (N, A, 4): what each anchor sees, and how to move it.

    All levels concatenated, as torchvision and the EfficientDet exporters write them. Scores are
    without the background, unless the activation is softmax.

    Attributes:
        size: (height, width) of the network's input, which the anchors tile.
        anchors: The published anchors of a method; `levels`, if given, take their place.
        levels: Anchors level by level.
        activation: `sigmoid` for logits, `softmax` over classes and background, or `none`.
        background: Which class of a softmax is the background.
        variances: What deltas x, y, w, h are multiplied with: 1 / the weights of a box coder.
        clamp: Upper limit of a size delta (its variance applied); 0: none.
        deltas: Their order: `xywh`, or `yxhw` as EfficientDet has it.
        per_level: At most this many candidates of each level, the best, are kept before all levels
            compete; 0: no limit.
        clip: Whether boxes are clipped to the input before suppression.
    """

    roles: ClassVar[tuple[str, ...]] = ("scores", "deltas")

    kind: Literal["anchors"] = "anchors"
    size: tuple[int, int] = (640, 640)
    anchors: Preset = "retinanet"
    levels: tuple[AnchorLevel, ...] = ()
    activation: Literal["sigmoid", "softmax", "none"] = "sigmoid"
    background: Literal["first", "last"] = "first"
    variances: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    clamp: float = Field(math.log(1000 / 16), ge=0)
    deltas: Literal["xywh", "yxhw"] = "xywh"
    per_level: int = Field(1000, ge=0, le=30_000)
    clip: bool = True

    def pyramid(self) -> tuple[AnchorLevel, ...]:
        """The levels, or those of the preset."""
        return self.levels or PRESETS[self.anchors]()


def retinanet_levels() -> tuple[AnchorLevel, ...]:
    """Strides 8 to 128, three octave scales times three ratios, as torchvision rounds them.

    Lin et al., arXiv:1708.02002, section 4.
    """
    return tuple(
        _ratio_level(2**n, [int(2 ** (n + 2) * 2 ** (i / 3)) for i in range(3)])
        for n in range(3, 8)
    )


def faster_rcnn_levels() -> tuple[AnchorLevel, ...]:
    """Region proposals on a pyramid: strides 4 to 64, one size each, three ratios.

    Lin et al., "Feature Pyramid Networks", arXiv:1612.03144, section 4.1.
    """
    return tuple(_ratio_level(2**n, [2 ** (n + 3)]) for n in range(2, 7))


def efficientdet_levels() -> tuple[AnchorLevel, ...]:
    """Strides 8 to 128, scale 4 in three octave steps, three aspects. arXiv:1911.09070."""
    aspects = ((1.0, 1.0), (1.4, 0.7), (0.7, 1.4))
    levels = []
    for n in range(3, 8):
        sizes = [4 * 2**n * 2 ** (i / 3) for i in range(3)]
        boxes = tuple((size * x, size * y) for size in sizes for x, y in aspects)
        levels.append(AnchorLevel(stride=2**n, boxes=boxes))
    return tuple(levels)


def ssd300_levels() -> tuple[AnchorLevel, ...]:
    """The prior boxes of SSD300. Liu et al., arXiv:1512.02325, section 2.2."""
    scales = (0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05)
    ratios = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))
    return _prior_levels(300, scales, (8, 16, 32, 64, 100, 300), ratios)


def ssd512_levels() -> tuple[AnchorLevel, ...]:
    """The prior boxes of SSD512. Liu et al., arXiv:1512.02325, section 3.3."""
    scales = (0.07, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.05)
    ratios = ((2,), (2, 3), (2, 3), (2, 3), (2, 3), (2,), (2,))
    return _prior_levels(512, scales, (8, 16, 32, 64, 128, 256, 512), ratios)


PRESETS: dict[str, Callable[[], tuple[AnchorLevel, ...]]] = {
    "retinanet": retinanet_levels,
    "faster_rcnn": faster_rcnn_levels,
    "efficientdet": efficientdet_levels,
    "ssd300": ssd300_levels,
    "ssd512": ssd512_levels,
}


def _ratio_level(stride: int, sizes: list[int]) -> AnchorLevel:
    """Ratios height / width of 0.5, 1, 2 at the cell's corner; half sides are whole pixels."""
    roots = [math.sqrt(ratio) for ratio in (0.5, 1, 2)]
    boxes = tuple(
        (2.0 * round(size / root / 2), 2.0 * round(size * root / 2))
        for root in roots
        for size in sizes
    )
    return AnchorLevel(stride=stride, boxes=boxes, offset=0)


def _prior_levels(
    side: int,
    scales: tuple[float, ...],
    strides: tuple[int, ...],
    ratios: tuple[tuple[int, ...], ...],
) -> tuple[AnchorLevel, ...]:
    """A square of each scale, one of the mean with the next, then each ratio and its inverse."""
    levels = []
    for scale, larger, stride, its in zip(scales, scales[1:], strides, ratios, strict=False):
        shares = [(scale, scale), (math.sqrt(scale * larger),) * 2]
        for root in map(math.sqrt, its):
            shares += [(scale * root, scale / root), (scale / root, scale * root)]
        boxes = tuple((min(w, 1.0) * side, min(h, 1.0) * side) for w, h in shares)
        levels.append(AnchorLevel(stride=stride, boxes=boxes))
    return tuple(levels)
