"""The head of image classifiers."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from edgecv.head.schema import HeadSchema


class ClassifyHead(HeadSchema):
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
