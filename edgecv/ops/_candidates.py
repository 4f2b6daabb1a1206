"""What every box decoder gives: boxes that reached the score, best first."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

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


def corners(centre: Array, size: Array) -> Array:
    """(K, 4) float32 xyxy of boxes given by (K, 2) centres and (K, 2) widths and heights."""
    half = size * np.float32(0.5)
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32, copy=False)
