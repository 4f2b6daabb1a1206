"""Heads of the YOLO family that leave their maps raw: v1's grid, v2 to v7's anchors."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from edgecv.head.boxes import OneStageHead

Pair = tuple[float, float]


class YoloV1Head(OneStageHead):
    """`grid` (N, S * S * (B * 5 + C)) or (N, S, S, B * 5 + C): YOLO v1 (arXiv:1506.02640).

    Attributes:
        side: S, cells in a row and in a column.
        boxes: B, boxes of a cell.
        size: (height, width) of the network's input in pixels.
        sizes: `sqrt` if the network predicts square roots of widths and heights, else `linear`.
        order: `cells`: cell by cell the boxes (x, y, w, h, confidence), then the classes, as in the
            paper; `darknet`: all classes, all confidences, all boxes, as its authors' code writes.
        multi_label: Every class of a box that reaches the score counts, not only its best.
    """

    roles: ClassVar[tuple[str, ...]] = ("grid",)

    kind: Literal["yolo_v1"] = "yolo_v1"
    side: int = Field(7, ge=1)
    boxes: int = Field(2, ge=1)
    size: tuple[int, int] = (448, 448)
    sizes: Literal["sqrt", "linear"] = "sqrt"
    order: Literal["cells", "darknet"] = "cells"
    multi_label: bool = True


class _Scales:
    """`roles` of a head with one map a scale: of the class, three; of a head, its own."""

    names = tuple(f"scale{i}" for i in range(1, 6))

    def __get__(self, head: YoloV3Head | None, kind: type | None = None) -> tuple[str, ...]:
        return self.names[: 3 if head is None else len(head.anchors)]


class YoloV3Head(OneStageHead):
    """`scale1`, `scale2`, … (N, anchors * (5 + C), h, w): YOLO v2 to v7's raw maps.

    Attributes:
        anchors: (width, height) in input pixels of the boxes of a cell, scale by scale. The
            default is YOLOv3's on COCO, the coarsest scale first.
        strides: Input pixels per cell of each scale.
        layout: `channels_first`, or `channels_last` for (N, anchors, h, w, 5 + C) (YOLOv5).
        classes: `sigmoid`, or `softmax` (v2).
        scale_xy: How far the sigmoid of an offset is stretched about its middle, one for all
            scales or one each: 1 (v2, v3), 1.05 to 1.2 (v4), 2 (v5 to v7).
        sizes: Anchors times `exp` (v2 to v4), or times the `square` of twice the sigmoid (v5 on).
        multi_label: Every class of a point that reaches the score counts, not only its best.
    """

    roles: ClassVar[Any] = _Scales()

    kind: Literal["yolo_v3"] = "yolo_v3"
    anchors: tuple[tuple[Pair, ...], ...] = Field(
        (
            ((116, 90), (156, 198), (373, 326)),
            ((30, 61), (62, 45), (59, 119)),
            ((10, 13), (16, 30), (33, 23)),
        ),
        min_length=1,
        max_length=len(_Scales.names),
    )
    strides: tuple[float, ...] = (32, 16, 8)
    layout: Literal["channels_first", "channels_last"] = "channels_first"
    classes: Literal["sigmoid", "softmax"] = "sigmoid"
    scale_xy: tuple[float, ...] = (1.0,)
    sizes: Literal["exp", "square"] = "exp"
    multi_label: bool = True

    @model_validator(mode="after")
    def _one_of_each_a_scale(self) -> YoloV3Head:
        count = len(self.anchors)
        if len(self.strides) != count or len(self.scale_xy) not in (1, count):
            raise ValueError(f"anchors have {count} scales: strides and scale_xy need one each")
        if not all(self.anchors) or min(self.strides) <= 0:
            raise ValueError("a scale needs at least one anchor and a stride > 0")
        return self
