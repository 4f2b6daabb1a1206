"""CPU twin of soft_nms: a compiled loop over each class, or an equal numpy form."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available
from edgecv.ops.soft_nms import PER_CLASS, Decay, Softened
from edgecv.ops.topk.cpu import topk

Array = npt.NDArray[Any]


def soft_nms(boxes: Array, scores: Array, ids: Array, decay: Decay) -> Softened:
    """See `edgecv.ops.soft_nms`; the arguments are checked there."""
    decayed = np.full(len(boxes), np.nan, np.float32)
    overflow = 0
    able = np.flatnonzero(~np.isnan(scores))
    order = able[np.argsort(ids[able], kind="stable")]
    ends = np.flatnonzero(np.diff(ids[order])) + 1
    for members in np.split(order, ends):
        overflow += max(0, len(members) - PER_CLASS)
        members = members[:PER_CLASS]
        decayed[members] = _one_class(np.ascontiguousarray(boxes[members]), scores[members], decay)
    kept = np.flatnonzero(decayed >= np.float32(decay.floor))
    best = kept[topk(decayed[kept], decay.limit)]
    return Softened(best, decayed[best], overflow)


def _one_class(boxes: Array, scores: Array, decay: Decay) -> Array:
    gaussian, floor = decay.kind == "gaussian", np.float32(decay.floor)
    width = np.float32(decay.sigma if gaussian else decay.iou)
    if jit_available():
        from edgecv.ops.soft_nms.loops import decay_class

        decayed: Array = decay_class(boxes, scores, gaussian, width, floor, decay.limit)
        return decayed
    return decay_arrays(boxes, scores, gaussian, width, floor, decay.limit)


def decay_arrays(
    boxes: Array, scores: Array, gaussian: bool, width: np.float32, floor: np.float32, limit: int
) -> Array:
    """Decayed scores of one class, NaN for those not chosen: all others at once per choice.

    Args:
        boxes: (M, 4) float32.
        scores: (M,) float32 without NaN.
        gaussian: Or linear.
        width: sigma, or the overlap from which linear decay begins.
        floor: Scores below are dropped.
        limit: Choices at most.
    """
    chosen: Array = np.full(len(boxes), np.nan, np.float32)
    left = scores.copy()
    for _ in range(min(limit, len(boxes))):
        best = int(np.argmax(left))  # the first of equal ones
        if not left[best] >= floor:
            break
        chosen[best] = left[best]
        overlap = _iou(boxes[best], boxes)
        if gaussian:
            power = -(overlap * overlap) / width
            left *= np.exp(power.astype(np.float64)).astype(np.float32)
        else:
            left *= np.where(overlap >= width, np.float32(1) - overlap, np.float32(1))
        left[~np.isnan(chosen)] = -np.inf
    return chosen


def _iou(box: Array, boxes: Array) -> Array:
    x0, y0, x1, y1 = boxes.T
    zero = np.float32(0)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        across = np.maximum(np.minimum(box[2], x1) - np.maximum(box[0], x0), zero)
        down = np.maximum(np.minimum(box[3], y1) - np.maximum(box[1], y0), zero)
        common = across * down
        area = (box[2] - box[0]) * (box[3] - box[1])
        share = common / ((area + (x1 - x0) * (y1 - y0)) - common)
        overlap: Array = np.where((common > zero) & (share > zero), share, zero)
    return overlap
