"""Heads of region-based detectors and of instance segmenters: boxes, most of them with masks."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from edgecv.head.boxes import BoxHead

_LEVELS = (2, 3, 4, 5, 6)  # of the feature pyramid; boxes are pooled from all but the last


class _TwoStage(BoxHead):
    """Region proposals, pooled features, a second network (Ren et al., arXiv:1506.01497).

    The first network gives, of each level i of the pyramid (Lin et al., arXiv:1612.03144),
    `objectness<i>` (N, A, h, w) logits and `deltas<i>` (N, 4 A, h, w), i = 2..6, and
    `features<i>` (N, C, h, w), i = 2..5. The bundle's part `box` takes pooled features
    (K, C, box_size, box_size) and gives `logits` (K, classes + 1) and `deltas`
    (K, 4 (classes + 1)), (K, 4 classes) or (K, 4). Defaults are torchvision's.

    Attributes:
        anchors: Square root of the area of each level's anchors in input pixels.
        ratios: Height / width of the A anchors of a cell.
        round_anchors: Whether anchors' corners are whole pixels.
        proposals_before: Of each level the best so many enter the first suppression.
        proposals: At most this many are pooled.
        proposal_iou: Limit of the first suppression, within each level.
        strides: Input pixels per cell of `features<i>`.
        box_size: Bins of the grid the box part takes, along each side.
        sampling: Samples a bin and axis; 0: as many as cells.
        aligned: Whether boxes are shifted by half a cell when pooled (Detectron2).
        box_weights: What the second stage's deltas were multiplied with in training.
        background_last: Whether the background is the last class, not the first.
    """

    roles: ClassVar[tuple[str, ...]] = (
        *(f"objectness{i}" for i in _LEVELS),
        *(f"deltas{i}" for i in _LEVELS),
        *(f"features{i}" for i in _LEVELS[:-1]),
    )
    score: float = Field(0.05, ge=0, le=1)
    iou: float = Field(0.5, ge=0, le=1)
    max_detections: int = Field(100, ge=1, le=1000)
    anchors: tuple[float, ...] = Field((32, 64, 128, 256, 512), min_length=5, max_length=5)
    ratios: tuple[float, ...] = Field((0.5, 1.0, 2.0), min_length=1, max_length=16)
    round_anchors: bool = True
    proposals_before: int = Field(1000, ge=1, le=6000)
    proposals: int = Field(1000, ge=1, le=6000)
    proposal_iou: float = Field(0.7, ge=0, le=1)
    strides: tuple[float, ...] = Field((4, 8, 16, 32), min_length=4, max_length=4)
    box_size: int = Field(7, ge=1, le=64)
    sampling: int = Field(2, ge=0, le=64)
    aligned: bool = False
    box_weights: tuple[float, float, float, float] = (10, 10, 5, 5)
    background_last: bool = False

    @model_validator(mode="after")
    def _numbers_divide(self) -> _TwoStage:
        values = (*self.anchors, *self.ratios, *self.strides, *self.box_weights)
        if min(values) <= 0:
            raise ValueError("anchors, ratios, strides and box_weights must be positive")
        return self


class TwoStageHead(_TwoStage):
    """Region proposals, pooled features, a second network: boxes."""

    parts: ClassVar[tuple[str, ...]] = ("box",)

    kind: Literal["two_stage"] = "two_stage"


class TwoStageMasksHead(_TwoStage):
    """The same with a mask of each box (He et al., "Mask R-CNN", arXiv:1703.06870).

    The bundle's part `mask` takes features pooled from the final boxes
    (K, C, mask_size, mask_size) and gives `masks` (K, classes + 1, m, m) or (K, classes, m, m)
    logits, or (K, 1, m, m) for all classes.

    Attributes:
        mask_size: Bins of the grid the mask part takes, along each side.
        mask_threshold: From this probability on a pixel belongs to its instance.
    """

    task: ClassVar[str] = "instance"
    parts: ClassVar[tuple[str, ...]] = ("box", "mask")

    kind: Literal["two_stage_masks"] = "two_stage_masks"
    mask_size: int = Field(14, ge=1, le=64)
    mask_threshold: float = Field(0.5, ge=0, le=1)


class YolactHead(BoxHead):
    """Masks as weighted sums of prototypes (Bolya et al., arXiv:1904.02689).

    `boxes` (N, A, 4), `scores` (N, A, classes) with the background first if they are a softmax,
    `coefficients` (N, A, k), `prototypes` (N, k, h, w). YOLACT itself: `boxes: deltas` and
    `activation: softmax`; YOLOv8's -seg variants are of the same form: `boxes: cxcywh`,
    `activation: none`, their one table split in three, channels last.

    Attributes:
        boxes: `deltas` to the anchors below, or `cxcywh` or `xyxy` in input pixels.
        activation: What turns scores into probabilities; `none` if the network already did.
        nms: `hard`, or `fast`: a box is dropped by any better one, dropped or not (section 3.4);
            quicker on paper and a little worse. Of each class the best 200 enter it.
        channels_last: Whether prototypes are (N, h, w, k).
        strides: Input pixels per cell of each level of anchors.
        anchors: Square root of the area of each level's anchors, in input pixels.
        ratios: Width / height of the anchors of a cell.
        square_anchors: Whether anchors are squares of the ratio's width (published weights).
        weights: What the deltas were multiplied with in training.
        mask_threshold: From this probability on a pixel belongs to its instance.
    """

    roles: ClassVar[tuple[str, ...]] = ("scores", "boxes", "coefficients", "prototypes")
    task: ClassVar[str] = "instance"

    kind: Literal["yolact"] = "yolact"
    score: float = Field(0.15, ge=0, le=1)
    iou: float = Field(0.5, ge=0, le=1)
    max_detections: int = Field(100, ge=1, le=1000)
    boxes: Literal["deltas", "cxcywh", "xyxy"] = "deltas"
    activation: Literal["softmax", "sigmoid", "none"] = "softmax"
    nms: Literal["hard", "fast"] = "hard"
    channels_last: bool = False
    strides: tuple[float, ...] = (8, 16, 32, 64, 128)
    anchors: tuple[float, ...] = (24, 48, 96, 192, 384)
    ratios: tuple[float, ...] = (1.0, 0.5, 2.0)
    square_anchors: bool = True
    weights: tuple[float, float, float, float] = (10, 10, 5, 5)
    mask_threshold: float = Field(0.5, ge=0, le=1)

    @model_validator(mode="after")
    def _levels_fit(self) -> YolactHead:
        if len(self.strides) != len(self.anchors):
            raise ValueError("strides and anchors: one of each per level")
        if min((*self.strides, *self.anchors, *self.ratios, *self.weights), default=0) <= 0:
            raise ValueError("strides, anchors, ratios and weights must be positive")
        return self
