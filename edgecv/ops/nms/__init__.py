"""Greedy non-maximum suppression within each class."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("nms", atol=0.0, share=0.0)

MAX_CANDIDATES = 30_000


def nms(boxes: Array, ids: Array, iou: float, limit: int, *, provider: str = "cpu") -> Array:
    """Of boxes that overlap in one class, keep the best.

    A box is dropped if a kept, better box of the same class overlaps it by more than `iou`:
    intersection > 0 and intersection > iou * union, all in float32 (a product, not a quotient).
    So empty and inverted boxes overlap nothing, nor does a box with NaN or an infinite area.
    Classes are compared by id; coordinates are never offset, which would round them.

    Args:
        boxes: (N, 4) float32 xyxy, best first, N <= MAX_CANDIDATES.
        ids: (N,) int64 class ids.
        iou: Overlap in 0..1 up to which both boxes stay.
        limit: At most this many are kept.
        provider: "cpu".

    Returns:
        (K,) int64 indices of the kept boxes, rising (so best first).

    Raises:
        ShapeError: wrong shapes or dtypes, or too many boxes.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4 or boxes.dtype != np.float32:
        raise ShapeError("boxes must be (N, 4) float32", got=f"{boxes.shape} {boxes.dtype}")
    if ids.shape != boxes.shape[:1] or ids.dtype != np.int64:
        raise ShapeError(f"ids must be ({len(boxes)},) int64", got=f"{ids.shape} {ids.dtype}")
    if len(boxes) > MAX_CANDIDATES:
        raise ShapeError("too many boxes for nms", got=len(boxes), limit=MAX_CANDIDATES)
    kept: Array = OP.on(provider)(boxes, ids, iou, limit)
    return kept
