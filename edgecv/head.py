"""Heads: how raw output tensors become results, as data. No tensor library is imported here.

A head is one pydantic model per `kind`, stored in the recipe and copied into the bundle's manifest.
The code that applies it is `edgecv/runtime/heads/<kind>.py`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Head(BaseModel):
    """What every head has.

    Attributes:
        names: Class names; index = class id. Empty: classes are shown by number.
        outputs: Role of a raw tensor -> the name it has in the ONNX file; roles left out have
            the role's own name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    roles: ClassVar[tuple[str, ...]] = ()
    task: ClassVar[str] = ""

    names: tuple[str, ...] = ()
    outputs: dict[str, str] = {}

    @model_validator(mode="after")
    def _roles_are_known(self) -> _Head:
        unknown = sorted(set(self.outputs) - set(self.roles))
        if unknown:
            raise ValueError(
                f"outputs: unknown role {unknown[0]!r}; roles are {', '.join(self.roles)}"
            )
        return self

    def tensor(self, role: str) -> str:
        """The ONNX output name that plays `role`."""
        return self.outputs.get(role, role)

    def label(self, index: int) -> str:
        """The name of class `index`, or its number as text."""
        return self.names[index] if 0 <= index < len(self.names) else str(index)


class ClassifyHead(_Head):
    """`logits` (N, C) -> the `topk` classes of each image with their probabilities.

    Attributes:
        activation: What turns the tensor into probabilities; `none` if the network already did.
        topk: How many classes a result keeps.
    """

    roles: ClassVar[tuple[str, ...]] = ("logits",)
    task: ClassVar[str] = "classify"

    kind: Literal["classify"] = "classify"
    activation: Literal["softmax", "sigmoid", "none"] = "softmax"
    topk: int = Field(5, ge=1)


class CenterNetHead(_Head):
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


class DenseHead(_Head):
    """`predictions` (N, 4 + C, A): a box and C scores per anchor point, then NMS.

    The layout most single-stage exporters write (YOLOv8 and later). Boxes are in pixels of the
    network input.

    Attributes:
        layout: `channels_first` for (N, 4 + C, A), `channels_last` for (N, A, 4 + C).
        boxes: `cxcywh` or `xyxy`.
        activation: `none` if scores are probabilities, `sigmoid` if logits.
        score: Candidates below this probability are dropped.
        iou: Of two boxes of one class that overlap more than this, the worse is dropped.
        max_detections: At most this many are kept, the best first (ties: lower index first).
    """

    roles: ClassVar[tuple[str, ...]] = ("predictions",)
    task: ClassVar[str] = "detect"

    kind: Literal["dense"] = "dense"
    layout: Literal["channels_first", "channels_last"] = "channels_first"
    boxes: Literal["cxcywh", "xyxy"] = "cxcywh"
    activation: Literal["sigmoid", "none"] = "none"
    score: float = Field(0.25, ge=0, le=1)
    iou: float = Field(0.45, ge=0, le=1)
    max_detections: int = Field(300, ge=1)


Head = Annotated[ClassifyHead | CenterNetHead | DenseHead, Field(discriminator="kind")]
HEADS: dict[str, type[_Head]] = {
    "classify": ClassifyHead,
    "centernet": CenterNetHead,
    "dense": DenseHead,
}
TASKS = ("classify", "detect")
