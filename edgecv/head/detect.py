"""Heads of object detectors: raw tensors become boxes."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from edgecv.head.boxes import OneStageHead
from edgecv.head.schema import HeadSchema


class CenterNetHead(HeadSchema):
    """Objects as points (Zhou et al., arXiv:1904.07850, section 4).

    `heatmap` (N, C, h, w) logits, `size` (N, 2, h, w) width and height in cells,
    `offset` (N, 2, h, w) x and y of the centre inside its cell. A box is decoded at every cell
    that is the maximum of its 3x3 neighbourhood.

    Attributes:
        stride: Input pixels per cell.
        score: Detections below this probability are dropped.
        max_detections: At most this many are kept, the best first (ties: lower index first).
        activation: `sigmoid` for logits, `none` if the network ends in a sigmoid.
        size_unit: Unit of `size`: `cell` (published weights) or `pixel` of the network input.
    """

    roles: ClassVar[tuple[str, ...]] = ("heatmap", "size", "offset")
    task: ClassVar[str] = "detect"

    kind: Literal["centernet"] = "centernet"
    stride: int = Field(4, ge=1)
    score: float = Field(0.3, ge=0, le=1)
    max_detections: int = Field(100, ge=1)
    activation: Literal["sigmoid", "none"] = "sigmoid"
    size_unit: Literal["cell", "pixel"] = "cell"


class DenseHead(OneStageHead):
    """`predictions` (N, 4 + C, A): a box and C scores per anchor point, then NMS.

    The layout most single-stage exporters write: YOLOv8 and later, with objectness (N, A, 5 + C)
    YOLOv5 to YOLOv7 and YOLOX. Boxes are in pixels of the network input.

    Attributes:
        layout: `channels_first` for (N, 4 + C, A), `channels_last` for (N, A, 4 + C).
        boxes: `cxcywh` or `xyxy`.
        activation: `none` if scores are probabilities, `sigmoid` if logits.
        objectness: A fifth value before the classes; a score is objectness times class.
        multi_label: Every class of a point that reaches the score counts, not only its best.
    """

    roles: ClassVar[tuple[str, ...]] = ("predictions",)

    kind: Literal["dense"] = "dense"
    layout: Literal["channels_first", "channels_last"] = "channels_first"
    boxes: Literal["cxcywh", "xyxy"] = "cxcywh"
    activation: Literal["sigmoid", "none"] = "none"
    objectness: bool = False
    multi_label: bool = True
