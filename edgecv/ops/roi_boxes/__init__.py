"""The second stage of R-CNN: class scores and box deltas of each proposal become candidates."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._candidates import Candidates
from edgecv.ops._deltas import Weights
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

# expf of another library: a score at the threshold may fall on its other side
OP = Op("roi_boxes", atol=1e-3, share=0.001, providers=("cpu",))


class BoxRule(NamedTuple):
    """How a proposal's raw values are read.

    Attributes:
        weights: What the deltas were multiplied with in training.
        score: Probability in 0..1 that a box must reach.
        limit: At most this many candidates, the best.
        background_last: Whether the background is the last class (Detectron2) or the first
            (Caffe, torchvision).
        smallest: Boxes narrower or lower than this many pixels are dropped.
    """

    weights: Weights = (10.0, 10.0, 5.0, 5.0)
    score: float = 0.05
    limit: int = 4096
    background_last: bool = False
    smallest: float = 1e-2


def roi_boxes(
    logits: Array, deltas: Array, boxes: Array, area: Array, rule: BoxRule, *, provider: str = "cpu"
) -> Candidates:
    """Every class of a proposal that reaches the score, best first (ties: lower index).

    Probabilities are a softmax over all classes with the background, which itself is no candidate;
    class ids count without it. A candidate's index is proposal x classes + id. Its box is the
    proposal moved by the deltas of its class, clipped to the picture's area; too small a one is
    dropped.

    Args:
        logits: (K, C + 1) float32.
        deltas: (K, 4 (C + 1)) float32; or (K, 4 C), without the background's; or (K, 4), the same
            for all classes.
        boxes: (K, 4) float32 xyxy: the proposals, in input pixels.
        area: (4,) float32 xyxy: the picture in the input.
        rule: Weights, score and limits.
        provider: "cpu".

    Returns:
        Boxes in input pixels before suppression; `total` counts those that reached the score
        and were large enough, or were beyond the limit.

    Raises:
        ShapeError: wrong shapes or dtypes.

    Source: Ren et al., "Faster R-CNN", arXiv:1506.01497; defaults as torchvision.
    """
    classes = logits.shape[1] - 1 if logits.ndim == 2 else 0
    widths = (4, 4 * classes, 4 * classes + 4)
    fits = (
        classes >= 1
        and boxes.shape == (len(logits), 4)
        and deltas.ndim == 2
        and len(deltas) == len(logits)
        and deltas.shape[1] in widths
    )
    if not fits or {array.dtype for array in (logits, deltas, boxes)} != {np.dtype("float32")}:
        raise ShapeError(
            "roi_boxes needs (K, C + 1) logits, (K, 4 (C + 1)) deltas and (K, 4) boxes, float32",
            got=f"{logits.shape}, {deltas.shape}, {boxes.shape}",
        )
    found: Candidates = OP.on(provider)(logits, deltas, boxes, area, rule)
    return found
