"""Soft non-maximum suppression: overlap lowers scores instead of removing boxes."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

# linear decay is equal to the bit; of gaussian decay expf differs by ulps between libms
OP = Op("soft_nms", atol=1e-6, share=0.0)

PER_CLASS = 1024  # candidates of one class that compete: the CUDA twin's shared memory


class Decay(NamedTuple):
    """How a chosen box lowers the scores of those it overlaps, and what is returned.

    Attributes:
        kind: "linear": times 1 - IoU where IoU >= `iou`; "gaussian": times exp(-IoU^2 / sigma).
        iou: Overlap from which linear decay begins.
        sigma: Width of gaussian decay, > 0.
        floor: Boxes whose score falls below are dropped.
        limit: At most this many boxes are returned.
    """

    kind: Literal["linear", "gaussian"] = "linear"
    iou: float = 0.3
    sigma: float = 0.5
    floor: float = 0.001
    limit: int = 300


class Softened(NamedTuple):
    """What soft suppression leaves of one image.

    Attributes:
        keep: (K,) int64 indices of the boxes, by falling decayed score; of equal ones the lower.
        scores: (K,) float32 decayed scores.
        overflow: Boxes that never competed because their class was full.
    """

    keep: Array
    scores: Array
    overflow: int


def soft_nms(
    boxes: Array, scores: Array, ids: Array, decay: Decay, *, provider: str = "cpu"
) -> Softened:
    """Choose the best box, lower the scores of its class by their overlap with it, repeat.

    Of one class the first `PER_CLASS` boxes compete. Of equal scores the lower index is chosen.
    All in float32; IoU is intersection / ((area + area) - intersection), 0 where nothing overlaps
    or it is not a number. NaN scores never compete.

    Args:
        boxes: (N, 4) float32 xyxy, best first.
        scores: (N,) float32.
        ids: (N,) int64 class ids.
        decay: How scores fall.
        provider: "cpu".

    Raises:
        ShapeError: wrong shapes or dtypes.
        ValueError: sigma is not positive.

    Source: Bodla et al., "Soft-NMS", arXiv:1704.04503, equations 3 and 4; the decay is applied
    within a class, as there.
    """
    n = len(boxes)
    if boxes.shape != (n, 4) or boxes.dtype != np.float32:
        raise ShapeError("boxes must be (N, 4) float32", got=f"{boxes.shape} {boxes.dtype}")
    if scores.shape != (n,) or scores.dtype != np.float32:
        raise ShapeError(f"scores must be ({n},) float32", got=f"{scores.shape} {scores.dtype}")
    if ids.shape != (n,) or ids.dtype != np.int64:
        raise ShapeError(f"ids must be ({n},) int64", got=f"{ids.shape} {ids.dtype}")
    check_decay(decay)
    found: Softened = OP.on(provider)(boxes, scores, ids, decay)
    return found


def check_decay(decay: Decay) -> None:
    """Refuse a decay without a meaning: ValueError."""
    if not decay.sigma > 0 or decay.limit < 1:
        raise ValueError(f"soft-NMS needs sigma > 0 and limit >= 1, got {decay}")
