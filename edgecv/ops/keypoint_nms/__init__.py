"""Keypoints of a score map: the best pixels with no better one nearby.

What every twin must compute:

1. Candidates are pixels whose score reaches the threshold. NaN never does, and hides nothing.
   A candidate is better than another if its score is higher, or equal and its index lower; so a
   plateau within one window gives one keypoint.
2. A round: candidates that are the best of the undecided within `radius` (Chebyshev distance)
   become keypoints; then all others within `radius` of a keypoint are dropped. `rounds` of them:
   1 gives plain local maxima; 3 is what SuperPoint's users run ("simple_nms": the maxima, then two
   passes over what their windows hid); with enough rounds it is the greedy suppression of the
   paper (DeTone et al., arXiv:1712.07629). A fixed number is what a CUDA graph can hold.
3. Keypoints nearer than `border` pixels to an edge are dropped, after the suppression as in the
   published code: a maximum in the border hides what is beside it.
4. The `k` best remain, best first.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError, UsageError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("keypoint_nms", atol=0.0, share=0.0)


class Rule(NamedTuple):
    """How keypoints are chosen.

    Attributes:
        threshold: Lowest score; may be -inf.
        k: How many at most, >= 1.
        radius: Two keypoints differ by more than this along x or y, in pixels; 0 keeps all.
        rounds: Rounds of suppression, >= 1.
        border: Pixels along the edges without keypoints.
    """

    threshold: float
    k: int
    radius: int = 4
    rounds: int = 3
    border: int = 4

    def check(self) -> None:
        """Refuse what has no meaning: UsageError."""
        if math.isnan(self.threshold):
            raise UsageError("the threshold of keypoints is not a number")
        if min(self.k, self.rounds) < 1 or min(self.radius, self.border) < 0:
            raise UsageError(
                "keypoints need k and rounds >= 1, radius and border >= 0",
                k=self.k,
                rounds=self.rounds,
                radius=self.radius,
                border=self.border,
            )


def keypoint_nms(scores: Array, rule: Rule, *, provider: str = "cpu") -> tuple[Array, int]:
    """Indices of the keypoints, best first, and how many more there were than `rule.k`.

    Args:
        scores: (h, w) float32 or float16.
        rule: How they are chosen.
        provider: "cpu".

    Returns:
        (K,) int64 indices into `scores.ravel()`, and how many were dropped because K = k.

    Raises:
        ShapeError: `scores` is not (h, w) of a floating type.
        UsageError: the rule has no meaning.

    In this row with radius 2 the 9 hides the 8, which hid the 5 in the first round only:

    >>> row = np.float32([[0, 9, 0, 8, 0, 5, 0]])
    >>> keypoint_nms(row, Rule(1, 9, radius=2, rounds=1, border=0))
    (array([1]), 0)
    >>> keypoint_nms(row, Rule(1, 9, radius=2, rounds=2, border=0))
    (array([1, 5]), 0)
    """
    if scores.ndim != 2 or scores.dtype not in (np.float32, np.float16):
        raise ShapeError(
            "scores must be (h, w) float32 or float16", got=f"{scores.shape} {scores.dtype}"
        )
    rule.check()
    found: tuple[Array, int] = OP.on(provider)(scores, rule)
    return found
