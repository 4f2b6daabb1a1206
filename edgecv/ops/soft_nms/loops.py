"""Compiled loop of soft_nms; imported only where numba is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit

Array = npt.NDArray[Any]


@jit
def _iou(a: Array, b: Array) -> np.float32:
    zero = np.float32(0)
    width = max(min(a[2], b[2]) - max(a[0], b[0]), zero)
    height = max(min(a[3], b[3]) - max(a[1], b[1]), zero)
    common = width * height
    if not common > zero:
        return zero
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    share = common / (areas - common)
    return share if share > zero else zero


@jit
def decay_class(
    boxes: Array, scores: Array, gaussian: bool, width: np.float32, floor: np.float32, limit: int
) -> Array:
    """See `edgecv.ops.soft_nms.cpu.decay_arrays`."""
    count = len(boxes)
    chosen = np.full(count, np.nan, np.float32)
    left = scores.copy()
    for _ in range(min(limit, count)):
        best = 0
        for i in range(1, count):
            if left[i] > left[best]:
                best = i
        if not left[best] >= floor:
            break
        chosen[best] = left[best]
        left[best] = -np.inf
        for i in range(count):
            if not left[i] >= floor:  # scores only fall: it cannot be chosen any more
                continue
            overlap = _iou(boxes[best], boxes[i])
            if gaussian:
                left[i] *= np.float32(math.exp(np.float64(-(overlap * overlap) / width)))
            elif overlap >= width:
                left[i] *= np.float32(1) - overlap
    return chosen
