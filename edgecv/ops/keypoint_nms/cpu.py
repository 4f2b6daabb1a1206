"""CPU twin of keypoint_nms: candidates are ranked once, and ranks are compared, not scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available
from edgecv.ops.keypoint_nms import Rule
from edgecv.ops.topk.cpu import topk

Array = npt.NDArray[Any]

DECIDED = 2**31 - 1  # rank of pixels that are not candidates, or no longer


def keypoint_nms(scores: Array, rule: Rule) -> tuple[Array, int]:
    """See `edgecv.ops.keypoint_nms`; the arguments are checked there."""
    flat = np.ascontiguousarray(scores, np.float32).reshape(-1)
    cells = np.flatnonzero(flat >= np.float32(rule.threshold))
    cells = cells[topk(flat[cells], len(cells))]
    ranks = np.full(scores.shape, DECIDED, np.int32)
    ranks.reshape(-1)[cells] = np.arange(len(cells), dtype=np.int32)
    if jit_available():
        from edgecv.ops.keypoint_nms import loops

        kept = loops.survivors(ranks, cells, rule.radius, rule.rounds)
    else:
        kept = survivors(ranks, cells, rule.radius, rule.rounds)
    y, x = np.divmod(cells, max(1, scores.shape[1]))
    edge = np.minimum(
        np.minimum(x, scores.shape[1] - 1 - x), np.minimum(y, scores.shape[0] - 1 - y)
    )
    found = cells[kept & (edge >= rule.border)]
    return found[: rule.k], max(0, len(found) - rule.k)


def survivors(ranks: Array, cells: Array, radius: int, rounds: int) -> Array:
    """Which of `cells`, by falling score, become keypoints (numpy form); `ranks` is used up."""
    kept = np.zeros(len(cells), bool)
    for _ in range(rounds):
        best = ranks == _lowest(ranks, radius)
        best &= ranks != DECIDED
        if not best.any():
            break
        kept[ranks[best]] = True
        ranks[_lowest(~best, radius) == 0] = DECIDED
    return kept


def _lowest(values: Array, radius: int) -> Array:
    """The lowest value within `radius` of each pixel, axis by axis."""
    for axis in (0, 1):
        lowest = values.copy()
        rows, source = np.moveaxis(lowest, axis, 0), np.moveaxis(values, axis, 0)
        for step in range(1, min(radius, len(rows) - 1) + 1):
            np.minimum(rows[step:], source[:-step], out=rows[step:])
            np.minimum(rows[:-step], source[step:], out=rows[:-step])
        values = lowest
    return values
