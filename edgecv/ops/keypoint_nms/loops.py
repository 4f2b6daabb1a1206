"""Compiled loops of keypoint_nms; imported only where numba is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit
from edgecv.ops.keypoint_nms.cpu import DECIDED

Array = npt.NDArray[Any]


@jit
def survivors(ranks: Array, cells: Array, radius: int, rounds: int) -> Array:
    """Which of `cells`, by falling score, become keypoints; `ranks` (h, w) is used up."""
    width = ranks.shape[1]
    kept = np.zeros(len(cells), np.bool_)
    left = np.arange(len(cells))  # undecided, by rank
    for _ in range(rounds):
        found = np.empty(len(left), np.int64)
        n = 0
        for rank in left:
            if is_best(ranks, cells[rank] // width, cells[rank] % width, radius):
                found[n] = rank
                n += 1
        for rank in found[:n]:
            kept[rank] = True
            y, x = cells[rank] // width, cells[rank] % width
            ranks[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1] = (
                DECIDED
            )
        rest = 0
        for rank in left:
            if ranks[cells[rank] // width, cells[rank] % width] != DECIDED:
                left[rest] = rank
                rest += 1
        left = left[:rest]
        if rest == 0:
            break
    return kept


@jit
def is_best(ranks: Array, y: int, x: int, radius: int) -> bool:
    """Whether no rank around (x, y) is lower than its own."""
    height, width = ranks.shape
    for v in range(max(0, y - radius), min(height, y + radius + 1)):
        for u in range(max(0, x - radius), min(width, x + radius + 1)):
            if ranks[v, u] < ranks[y, x]:
                return False
    return True
