"""Heads: how raw output tensors become results, as data. No tensor library is imported here.

A head is one pydantic model per `kind`, stored in the recipe and copied into the bundle's manifest.
The code that applies it is `edgecv/runtime/heads/<kind>.py`. One file per task.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edgecv.head.anchors import AnchorsHead
from edgecv.head.classify import ClassifyHead
from edgecv.head.detect import CenterNetHead, DenseHead
from edgecv.head.features import KeypointsHead, PatchHead
from edgecv.head.instance import TwoStageHead, TwoStageMasksHead, YolactHead
from edgecv.head.pose import HeatmapHead, IntegralHead, PafHead
from edgecv.head.schema import HeadSchema
from edgecv.head.segment import SegmentHead
from edgecv.head.yolo import YoloV1Head, YoloV3Head

__all__ = [
    "HEADS",
    "TASKS",
    "AnchorsHead",
    "CenterNetHead",
    "ClassifyHead",
    "DenseHead",
    "Head",
    "HeadSchema",
    "HeatmapHead",
    "IntegralHead",
    "KeypointsHead",
    "PafHead",
    "PatchHead",
    "SegmentHead",
    "TwoStageHead",
    "TwoStageMasksHead",
    "YolactHead",
    "YoloV1Head",
    "YoloV3Head",
]

Head = Annotated[
    ClassifyHead
    | CenterNetHead
    | DenseHead
    | AnchorsHead
    | YoloV1Head
    | YoloV3Head
    | HeatmapHead
    | IntegralHead
    | PafHead
    | SegmentHead
    | TwoStageHead
    | TwoStageMasksHead
    | YolactHead
    | KeypointsHead
    | PatchHead,
    Field(discriminator="kind"),
]
HEADS: dict[str, type[HeadSchema]] = {
    "classify": ClassifyHead,
    "centernet": CenterNetHead,
    "dense": DenseHead,
    "anchors": AnchorsHead,
    "yolo_v1": YoloV1Head,
    "yolo_v3": YoloV3Head,
    "heatmap": HeatmapHead,
    "integral": IntegralHead,
    "paf": PafHead,
    "segment": SegmentHead,
    "two_stage": TwoStageHead,
    "two_stage_masks": TwoStageMasksHead,
    "yolact": YolactHead,
    "keypoints": KeypointsHead,
    "features": PatchHead,
}
TASKS = ("classify", "detect", "pose", "segment", "instance", "features")
