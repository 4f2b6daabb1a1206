"""What every box decoder gives, boxes that reached the score, best first; and how it gets there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.ops.survivors.cpu import survivors
from edgecv.ops.topk.cpu import topk

Array = npt.NDArray[Any]


class Candidates(NamedTuple):
    """Boxes of one image before or after suppression.

    Attributes:
        boxes: (K, 4) float32 xyxy in pixels of the network's input.
        scores: (K,) float32 probabilities, falling.
        ids: (K,) int64 class ids.
        total: How many reached the score; more than K where a capacity was full.
        nan: Scores that are not numbers; they never become boxes.
    """

    boxes: Array
    scores: Array
    ids: Array
    total: int
    nan: int = 0


class Scored(NamedTuple):
    """Scores that reached the threshold, in the order that breaks ties.

    Attributes:
        point: (N,) int64, where each box is.
        ids: (N,) int64 classes.
        value: (N,) float32, what is ranked: probabilities or logits.
        nan: Scores that are not numbers.
    """

    point: Array
    ids: Array
    value: Array
    nan: int

    def best_of_each(self) -> Scored:
        """Only the best class of each point, by point; of equal ones the lower class."""
        order = np.lexsort((self.ids, -self.value, self.point))
        new = np.ones(len(order), bool)
        new[1:] = self.point[order[1:]] != self.point[order[:-1]]
        return self.at(order[new])

    def best(self, k: int) -> Scored:
        """The k best, best first."""
        return self.at(topk(self.value, k))

    def at(self, index: Array) -> Scored:
        """Those at some places."""
        return Scored(self.point[index], self.ids[index], self.value[index], self.nan)


def objects_times_classes(
    objects: Array, limit: np.float32, of: Callable[[Array], tuple[Array, Array]], score: float
) -> Scored:
    """Scores that are a point's objectness times its class probabilities, point by point.

    Args:
        objects: (P,) raw objectness.
        limit: The score as a raw value: points below have no scores, as a probability is <= 1.
        of: Points that are left (M,) -> their objectness (M,) and classes (M, C), as float32
            probabilities.
        score: Probability that the product must reach.
    """
    gate = np.flatnonzero(objects >= limit)
    there, classes = of(gate)
    scores = np.ascontiguousarray(classes * there[:, None])
    index, nan = survivors(scores, np.float32(score), 0)
    row, ids = np.divmod(index, scores.shape[1])
    nan += int(np.count_nonzero(np.isnan(objects)))
    return Scored(gate[row], ids, scores.reshape(-1)[index], nan)


def corners(centre: Array, size: Array) -> Array:
    """(K, 4) float32 xyxy of boxes given by (K, 2) centres and (K, 2) widths and heights."""
    half = size * np.float32(0.5)
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32, copy=False)
