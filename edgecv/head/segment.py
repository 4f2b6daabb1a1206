"""The head of semantic segmenters: a class for every pixel."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgecv.head.schema import HeadSchema


class DenseCrfOptions(BaseModel):
    """A fully connected CRF over the network's input (Krähenbühl & Koltun, arXiv:1210.5644).

    Attributes:
        spatial_sigma: Of the smoothness kernel, in pixels of the input.
        spatial_weight: Its weight; 0 leaves it out.
        bilateral_sigma: Position part of the appearance kernel, in pixels of the input.
        color_sigma: Its colour part, in 0..255 units.
        bilateral_weight: Its weight; 0 leaves it out.
        iterations: Mean-field updates.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["dense"] = "dense"
    spatial_sigma: float = Field(3.0, gt=0)
    spatial_weight: float = Field(3.0, ge=0, lt=1e4)
    bilateral_sigma: float = Field(80.0, gt=0)
    color_sigma: float = Field(13.0, gt=0)
    bilateral_weight: float = Field(10.0, ge=0, lt=1e4)
    iterations: int = Field(5, ge=0)


class ConvCrfOptions(BaseModel):
    """A CRF of windows (Teichmann & Cipolla, arXiv:1805.04777): coarser, and much faster.

    Attributes:
        filter_size: Side of the window in cells, odd.
        blur: Side of a cell in pixels of the input: 1, or even.
        spatial_sigma: Of the position kernel, in pixels of the input.
        spatial_weight: Its weight.
        color_sigma: Of the colour kernel, in 0..255 units.
        color_weight: Its weight.
        rate: How much of a step the messages are.
        iterations: Mean-field updates.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["conv"] = "conv"
    filter_size: int = Field(11, ge=1, le=19)
    blur: int = Field(4, ge=1, le=64)
    spatial_sigma: float = Field(3.0, gt=0)
    spatial_weight: float = Field(3.0, ge=0, lt=1e4)
    color_sigma: float = Field(13.0, gt=0)
    color_weight: float = Field(10.0, ge=0, lt=1e4)
    rate: float = Field(0.2, ge=0, le=1)
    iterations: int = Field(5, ge=0)

    @model_validator(mode="after")
    def _sides_are_even_and_odd(self) -> ConvCrfOptions:
        if self.filter_size % 2 == 0:
            raise ValueError("filter_size must be odd")
        if self.blur != 1 and self.blur % 2:
            raise ValueError("blur must be 1 or even")
        return self


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
        crf: Refine the scores by the picture's colours, at the size of the network's input, before
            they become labels: `kind: dense` or `kind: conv` with parameters. None: not at all.
    """

    roles: ClassVar[tuple[str, ...]] = ("logits",)
    task: ClassVar[str] = "segment"

    kind: Literal["segment"] = "segment"
    form: Literal["logits", "labels"] = "logits"
    align_corners: bool = False
    threshold: float = Field(0.5, gt=0, lt=1)
    crf: Annotated[DenseCrfOptions | ConvCrfOptions, Field(discriminator="kind")] | None = None

    @model_validator(mode="after")
    def _crf_needs_scores(self) -> SegmentHead:
        if self.crf is not None and self.form == "labels":
            raise ValueError("crf: needs scores, so form: logits")
        return self

    @property
    def sees_pixels(self) -> bool:
        """Whether decoding needs what the network saw."""
        return self.crf is not None
