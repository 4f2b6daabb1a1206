"""What every head has that turns scored boxes into detections by suppression."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from edgecv.head.schema import HeadSchema


class BoxHead(HeadSchema):
    """Scored boxes, thinned by non-maximum suppression.

    Attributes:
        score: Candidates below this probability are dropped.
        iou: Of two boxes of one class that overlap more than this, the worse is dropped.
        max_detections: At most this many are kept, the best first (ties: lower index first).
        pre_nms: At most this many candidates, the best, enter suppression; how many did not is
            the result's overflow.
        class_agnostic: Boxes of different classes suppress each other too.
    """

    task: ClassVar[str] = "detect"

    score: float = Field(0.25, ge=0, le=1)
    iou: float = Field(0.45, ge=0, le=1)
    max_detections: int = Field(300, ge=1, le=30_000)
    pre_nms: int = Field(4096, ge=1, le=30_000)
    class_agnostic: bool = False


class OneStageHead(BoxHead):
    """A detector whose candidates are suppressed once, hard or softly.

    Attributes:
        soft_nms: Lower the scores of overlapping boxes instead of dropping them (Bodla et al.,
            arXiv:1704.04503): `linear`ly from an overlap of `iou` on, or by a `gaussian`. Boxes
            that fall below `score` are dropped.
        sigma: Width of the gaussian.
    """

    soft_nms: Literal["none", "linear", "gaussian"] = "none"
    sigma: float = Field(0.5, gt=0)
