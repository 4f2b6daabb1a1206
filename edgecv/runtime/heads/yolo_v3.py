"""YOLO v2 to v7: raw maps of anchors at several scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from edgecv.head import YoloV3Head
from edgecv.ops.yolo_v3 import YoloLayout, YoloScale, yolo_v3
from edgecv.results import Results
from edgecv.runtime.boxes import detections
from edgecv.runtime.heads import role
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def decode(
    head: YoloV3Head, outputs: Mapping[str, Array], geometries: Sequence[Geometry]
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`."""
    sides = (None,) * (4 if head.layout == "channels_last" else 3)
    maps = [role(head, outputs, name, sides) for name in head.roles]
    scales, layout = scales_of(head)
    return [
        detections(head, yolo_v3(each, scales, layout, head.score, head.pre_nms), geometry)
        for each, geometry in zip(zip(*maps, strict=True), geometries, strict=False)
    ]


def scales_of(head: YoloV3Head) -> tuple[list[YoloScale], YoloLayout]:
    """How the op reads the head's maps."""
    stretch = head.scale_xy * (len(head.anchors) if len(head.scale_xy) == 1 else 1)
    scales = [
        YoloScale(stride, anchors, scale_xy)
        for stride, anchors, scale_xy in zip(head.strides, head.anchors, stretch, strict=True)
    ]
    layout = YoloLayout(
        channels_last=head.layout == "channels_last",
        softmax=head.classes == "softmax",
        square=head.sizes == "square",
        multi_label=head.multi_label,
    )
    return scales, layout
