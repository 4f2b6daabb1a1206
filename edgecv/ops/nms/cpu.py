"""CPU twin of nms: a compiled greedy loop, or an equal vectorised form without numba."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available

Array = npt.NDArray[Any]


def nms(boxes: Array, ids: Array, iou: float, limit: int) -> Array:
    """See `edgecv.ops.nms`; the arguments are checked there."""
    if jit_available():
        from edgecv.ops.nms.loops import greedy

        kept: Array = greedy(np.ascontiguousarray(boxes), ids, np.float32(iou), limit)
        return kept
    return clustered(boxes, ids, iou)[:limit]


def clustered(boxes: Array, ids: Array, iou: float) -> Array:
    """Greedy suppression as a fixed point over the overlap matrix (numpy form).

    Starting from "all kept", a box is kept iff no kept better box suppresses it; after as many
    rounds as the longest chain of suppressions the answer is the greedy one.

    Source: Zheng et al., "Enhancing Geometric Factors", arXiv:2005.03572, Cluster-NMS.
    """
    x0, y0, x1, y1 = boxes.T
    area = (x1 - x0) * (y1 - y0)
    width = np.minimum(x1[:, None], x1) - np.maximum(x0[:, None], x0)
    height = np.minimum(y1[:, None], y1) - np.maximum(y0[:, None], y0)
    common = np.maximum(width, np.float32(0)) * np.maximum(height, np.float32(0))
    union = (area[:, None] + area) - common
    beats = np.triu((common > np.float32(iou) * union) & (ids[:, None] == ids), 1)
    kept = np.ones(len(boxes), bool)
    while True:
        again = ~(beats & kept[:, None]).any(axis=0)
        if np.array_equal(again, kept):
            return np.flatnonzero(kept).astype(np.int64)
        kept = again
