"""Compiled loop of nms; imported only where numba is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit

Array = npt.NDArray[Any]


@jit
def greedy(boxes: Array, ids: Array, iou: np.float32, limit: int) -> Array:
    """Compare each box with those kept so far; stop at `limit`. See `edgecv.ops.nms`."""
    kept = np.empty(min(limit, len(boxes)), np.int64)
    zero = np.float32(0)
    count = 0
    for i in range(len(boxes)):
        if count == len(kept):
            break
        x0, y0, x1, y1 = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
        area = (x1 - x0) * (y1 - y0)
        stays = True
        for n in range(count):
            j = kept[n]
            if ids[j] != ids[i]:
                continue
            width = max(min(x1, boxes[j, 2]) - max(x0, boxes[j, 0]), zero)
            height = max(min(y1, boxes[j, 3]) - max(y0, boxes[j, 1]), zero)
            common = width * height
            other = (boxes[j, 2] - boxes[j, 0]) * (boxes[j, 3] - boxes[j, 1])
            if common > iou * ((other + area) - common):
                stays = False
                break
        if stays:
            kept[count] = i
            count += 1
    return kept[:count]
