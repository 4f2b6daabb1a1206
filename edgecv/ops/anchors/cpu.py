"""CPU twin of anchors: one pass over the scores; only survivors see an exponential."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._candidates import Candidates, Scored, corners
from edgecv.ops._probability import limit_of, sigmoid
from edgecv.ops.anchors import AnchorLayout
from edgecv.ops.survivors.cpu import survivors
from edgecv.ops.topk.cpu import topk

Array = npt.NDArray[Any]


def anchors(
    raw: tuple[Array, Array], at: Array, layout: AnchorLayout, score: float, k: int
) -> Candidates:
    """See `edgecv.ops.anchors`; the arguments are checked there."""
    scores, deltas = np.ascontiguousarray(raw[0]), raw[1]
    soft = layout.activation == "softmax"
    found = _softmax(scores, layout.background, score) if soft else _each(scores, layout, score)
    best = _best_of_levels(found, layout, len(at)).best(k)
    boxes = boxes_of(deltas[best.point], at[best.point], layout)
    value = sigmoid(best.value) if layout.activation == "sigmoid" else best.value
    return Candidates(boxes, value, best.ids, len(found.point), found.nan)


def boxes_of(deltas: Array, at: Array, layout: AnchorLayout) -> Array:
    """(K, 4) float32 xyxy of (K, 4) deltas at (K, 4) anchors."""
    if layout.yxhw:
        deltas = deltas[:, [1, 0, 3, 2]]
    deltas = deltas * np.array(layout.variances, np.float32)
    centre = deltas[:, :2] * at[:, 2:] + at[:, :2]
    size = np.exp(np.minimum(deltas[:, 2:], np.float32(layout.clamp))) * at[:, 2:]
    boxes = corners(centre, size)
    if layout.clip:
        height, width = layout.clip
        np.clip(boxes, 0, np.array([width, height] * 2, np.float32), out=boxes)
    return boxes


def _each(scores: Array, layout: AnchorLayout, score: float) -> Scored:
    index, nan = survivors(scores, limit_of(score, layout.activation == "sigmoid"), 0)
    point, ids = np.divmod(index, scores.shape[1])
    return Scored(point, ids, scores.reshape(-1)[index], nan)


def _softmax(scores: Array, background: int, score: float) -> Scored:
    """Only anchors where a class beats the background by the score's logit need exponentials.

    That class has at most the probability it would have if there were no other.
    """
    others = [part for part in (scores[:, :background], scores[:, background + 1 :]) if part.size]
    tops = [part.max(axis=1) for part in others]  # NaN where any is: looked at, and counted
    beat = (np.maximum(*tops) if len(tops) == 2 else tops[0]) - scores[:, background]
    slack = np.float32(1e-3)  # a rounding can only let an anchor in that is judged below
    gate = np.flatnonzero(~(beat < limit_of(score, True) - slack))
    rows = scores[gate]
    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    share = powers / powers.sum(axis=1, keepdims=True)
    share = np.ascontiguousarray(np.delete(share, background, axis=1))
    index, nan = survivors(share, np.float32(score), 0)
    row, ids = np.divmod(index, share.shape[1])
    return Scored(gate[row], ids, share.reshape(-1)[index], nan)


def _best_of_levels(found: Scored, layout: AnchorLayout, count: int) -> Scored:
    if not layout.per_level or len(found.point) <= layout.per_level:
        return found
    kept = []
    for first, end in layout.spans(count):
        low, high = np.searchsorted(found.point, [first, end])
        kept.append(low + topk(found.value[low:high], layout.per_level))
    return found.at(np.concatenate(kept))
