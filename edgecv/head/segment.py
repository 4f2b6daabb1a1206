"""The head of semantic segmenters: a class for every pixel."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from edgecv.head.schema import HeadSchema


class SegmentHead(HeadSchema):
    """`logits` (N, C, h, w) -> the best class of every pixel of the picture.

    The scores may be of any size, best as the network computes them: export without its last
    Resize, since upsampling and the comparison are one step here. They are interpolated
    bilinearly, then compared.

    Attributes:
        form: `logits` for scores, or probabilities after a softmax; `labels` where the network ends
            in an argmax: (N, h, w) or (N, 1, h, w) class ids below 256, of any number type.
        align_corners: Upsample as torch's `align_corners=True` does; as the network was trained.
        threshold: For scores of one channel only (a binary network before its sigmoid): class 1
            where the probability exceeds this, else class 0.
    """

    roles: ClassVar[tuple[str, ...]] = ("logits",)
    task: ClassVar[str] = "segment"

    kind: Literal["segment"] = "segment"
    form: Literal["logits", "labels"] = "logits"
    align_corners: bool = False
    threshold: float = Field(0.5, gt=0, lt=1)
