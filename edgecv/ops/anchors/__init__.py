"""Boxes of anchor deltas: SSD, RetinaNet, EfficientDet, the RPN of Faster R-CNN.

What every twin must compute, for each anchor (cx, cy, w, h):

1. Class probabilities: `sigmoid` each class by itself; `softmax` over all classes, where
   `background` is one of them and never a detection; `none`: they are probabilities.
2. Survivors are probabilities >= the score; sigmoid compares logits with the score's logit. NaN
   survives nothing; under softmax it makes all classes of its anchor NaN.
3. The `per_level` best of each level, then the k best of those; ties by the lower place, anchor by
   anchor, class by class.
4. Box: x = dx * vx * w + cx, width = w * exp(min(dw * vw, clamp)), likewise y and height, with the
   variances v; then clipped to the input where `clip` says its size.

Sources: Girshick et al., arXiv:1311.2524, appendix C (deltas); Ren et al., arXiv:1506.01497 (RPN);
Liu et al., arXiv:1512.02325 (SSD: variances 0.1, 0.1, 0.2, 0.2); Lin et al., arXiv:1708.02002,
section 4 (the 1000 best per level); Tan et al., arXiv:1911.09070.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._candidates import Candidates
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

# exp differs by ulps between libms, and sums of exponentials by their order
OP = Op("anchors", atol=2e-6, share=0.001)

CLAMP = math.log(1000 / 16)  # Faster R-CNN: no box grows more than 62.5 times


class AnchorLayout(NamedTuple):
    """How scores and deltas are to be read.

    Attributes:
        activation: What makes probabilities of scores.
        background: Index of the background class under softmax; ids count the others.
        variances: What deltas x, y, w, h are multiplied with (1 / the weights of a box coder).
        clamp: Upper limit of a size delta after its variance; infinite: none.
        yxhw: Deltas are y, x, h, w (EfficientDet).
        levels: Anchors of each pyramid level, in order; () is one level.
        per_level: Capacity of each level before the k best of all; 0: no limit.
        clip: (height, width) boxes are clipped to, or None.
    """

    activation: Literal["sigmoid", "softmax", "none"] = "sigmoid"
    background: int = 0
    variances: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    clamp: float = CLAMP
    yxhw: bool = False
    levels: tuple[int, ...] = ()
    per_level: int = 0
    clip: tuple[int, int] | None = None

    def spans(self, count: int) -> list[tuple[int, int]]:
        """First anchor of each level and the one after its last."""
        ends = np.cumsum(self.levels or (count,)).tolist()
        return list(zip([0, *ends[:-1]], ends, strict=True))


def anchors(
    raw: tuple[Array, Array],
    at: Array,
    layout: AnchorLayout,
    score: float,
    k: int,
    *,
    provider: str = "cpu",
) -> Candidates:
    """The k best boxes of one image, before suppression.

    Args:
        raw: Scores (A, C) float32, with softmax (A, 1 + C), and deltas (A, 4) float32.
        at: (A, 4) float32 anchors: centre x, y, width, height in pixels of the network's input.
        layout: What the values are.
        score: Probability in 0..1 that a box must reach.
        k: At most this many.
        provider: "cpu".

    Raises:
        ShapeError: the arrays do not belong together.
    """
    (scores, deltas), count = raw, len(at)
    least = 2 if layout.activation == "softmax" else 1
    if scores.ndim != 2 or len(scores) != count or scores.shape[1] < least:
        raise ShapeError(
            f"scores must be ({count}, at least {least}), a row per anchor", got=f"{scores.shape}"
        )
    if deltas.shape != (count, 4) or at.shape != (count, 4):
        raise ShapeError(
            "deltas and anchors must be (A, 4)", deltas=f"{deltas.shape}", anchors=f"{at.shape}"
        )
    if {scores.dtype, deltas.dtype, at.dtype} != {np.dtype(np.float32)}:
        raise ShapeError("anchors work in float32", scores=scores.dtype, deltas=deltas.dtype)
    if sum(layout.levels or (count,)) != count:
        raise ShapeError("levels must add up to the anchors", levels=layout.levels, anchors=count)
    found: Candidates = OP.on(provider)(raw, at, layout, score, k)
    return found
