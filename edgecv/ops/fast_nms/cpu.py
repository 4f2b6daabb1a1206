"""CPU twin of fast_nms: one overlap matrix a class."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops.fast_nms import MOST
from edgecv.ops.nms.cpu import overlaps

Array = npt.NDArray[Any]


def fast_nms(boxes: Array, ids: Array, iou: float, limit: int) -> Array:
    """See `edgecv.ops.fast_nms`; the arguments are checked there."""
    kept: list[Array] = [np.empty(0, np.int64)]
    for each in np.unique(ids):
        index = np.flatnonzero(ids == each)[:MOST]
        beats = np.triu(overlaps(boxes, ids, (index, index), iou), 1)
        kept.append(index[~beats.any(axis=0)])
    return np.sort(np.concatenate(kept))[:limit]
