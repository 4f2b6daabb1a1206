"""Fast NMS: suppression in one step, in which dropped boxes still drop others."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("fast_nms", atol=0.0, share=0.0, providers=("cpu",))

MOST = 200  # of each class, the best; YOLACT's top_k


def fast_nms(boxes: Array, ids: Array, iou: float, limit: int, *, provider: str = "cpu") -> Array:
    """Of boxes that overlap in one class, keep those no better one overlaps, kept or not.

    Of each class only the MOST best enter. A box is dropped if any better box of its class
    overlaps it by more than `iou`: intersection > iou * union in float32, as in `ops.nms`; so it
    keeps a subset of what greedy suppression of the same boxes keeps.

    Args:
        boxes: (N, 4) float32 xyxy, best first.
        ids: (N,) int64 class ids.
        iou: Overlap in 0..1 up to which both boxes stay.
        limit: At most this many are kept, of all classes together.
        provider: "cpu".

    Returns:
        (K,) int64 indices of the kept boxes, rising (so best first).

    Raises:
        ShapeError: wrong shapes or dtypes.

    Source: Bolya et al., "YOLACT", arXiv:1904.02689, section 4.1 (Fast NMS).
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4 or boxes.dtype != np.float32:
        raise ShapeError("boxes must be (N, 4) float32", got=f"{boxes.shape} {boxes.dtype}")
    if ids.shape != boxes.shape[:1] or ids.dtype != np.int64:
        raise ShapeError(f"ids must be ({len(boxes)},) int64", got=f"{ids.shape} {ids.dtype}")
    kept: Array = OP.on(provider)(boxes, ids, iou, limit)
    return kept
