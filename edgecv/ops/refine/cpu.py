"""CPU twin of refine."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops.conv_crf import ConvCrf, conv_crf
from edgecv.ops.dense_crf import dense_crf
from edgecv.ops.label_map import sampling, taps
from edgecv.ops.refine import Crf

Array = npt.NDArray[Any]


def refine(scores: Array, pixels: Array, crf: Crf, align_corners: bool) -> Array:
    """See `edgecv.ops.refine`; the arguments are checked there."""
    size = (int(pixels.shape[0]), int(pixels.shape[1]))
    large = enlarge(scores.astype(np.float32, copy=False), size, align_corners)
    if isinstance(crf, ConvCrf):
        return conv_crf(large, pixels, crf)
    return dense_crf(large, pixels, crf)


def enlarge(scores: Array, size: tuple[int, int], align_corners: bool) -> Array:
    """(L, h, w) float32 -> (L, H, W), as `label_map` interpolates: columns first, then rows."""
    read = sampling((scores.shape[1], scores.shape[2]), size, align_corners=align_corners)
    above, below, down = taps(read.y, scores.shape[1])
    left, right, across = taps(read.x, scores.shape[2])
    upper, lower = scores[:, above], scores[:, below]
    line = upper + down[:, None] * (lower - upper)
    first, second = line[:, :, left], line[:, :, right]
    large: Array = first + across * (second - first)
    return np.ascontiguousarray(large)
