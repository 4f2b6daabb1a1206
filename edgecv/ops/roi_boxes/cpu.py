"""CPU twin of roi_boxes: only what reaches the score is decoded."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._candidates import Candidates
from edgecv.ops._deltas import apply_deltas, clip_boxes, large_enough
from edgecv.ops.roi_boxes import BoxRule
from edgecv.ops.topk.cpu import topk

Array = npt.NDArray[Any]


def roi_boxes(logits: Array, deltas: Array, boxes: Array, area: Array, rule: BoxRule) -> Candidates:
    """See `edgecv.ops.roi_boxes`; the arguments are checked there."""
    classes = logits.shape[1] - 1
    first = 0 if rule.background_last else 1
    scores = probabilities(logits)[:, first : first + classes].reshape(-1)
    index = np.flatnonzero(scores >= np.float32(rule.score))
    best = index[topk(scores[index], rule.limit)]
    roi, ids = np.divmod(best, classes)
    column = np.zeros_like(ids)
    if deltas.shape[1] > 4:
        column = ids + (first if deltas.shape[1] == logits.shape[1] * 4 else 0)
    own = deltas.reshape(len(deltas), deltas.shape[1] // 4, 4)[roi, column]
    moved = clip_boxes(apply_deltas(own, boxes[roi], rule.weights), area)
    kept = large_enough(moved, rule.smallest)
    lost = len(index) - len(best)
    return Candidates(
        np.ascontiguousarray(moved[kept]), scores[best[kept]], ids[kept], int(kept.sum()) + lost
    )


def probabilities(logits: Array) -> Array:
    """(K, C) float32 softmax of each row, its maximum subtracted; one NaN makes the row NaN."""
    with np.errstate(invalid="ignore"):
        powers: Array = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
        share: Array = powers / powers.sum(axis=1, keepdims=True)
    return share
