"""Detector maps of SuperPoint: a softmax over the pixels of a cell and a dustbin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("cell_scores", atol=1e-6, share=1.0)  # exponentials of two libraries


def cell_scores(logits: Array, *, provider: str = "cpu") -> Array:
    """Scores of pixels from logits of cells.

    Channel c < s * s of a cell is its pixel (c // s, c % s); the last channel is the dustbin, "no
    keypoint here", which is dropped after the softmax. A cell with a NaN or +inf logit, or whose
    logits are all -inf, has NaN scores: no keypoints.

    Args:
        logits: (s * s + 1, h, w) float32 or float16; 65 channels for SuperPoint's 8x8 cells.
        provider: "cpu".

    Returns:
        (h * s, w * s) float32 in 0..1.

    Raises:
        ShapeError: `logits` is not (s * s + 1, h, w) of a floating type.

    Source: DeTone et al., "SuperPoint", arXiv:1712.07629, section 3.2.

    A cell of 2x2 pixels, one of them likely:

    >>> cell_scores(np.float32([0, np.log(5), 0, 0, np.log(2)]).reshape(5, 1, 1)).round(3).tolist()
    [[0.10000000149011612, 0.5], [0.10000000149011612, 0.10000000149011612]]
    """
    if logits.ndim != 3 or logits.dtype not in (np.float32, np.float16):
        raise ShapeError(
            "logits must be (s * s + 1, h, w) float32 or float16",
            got=f"{logits.shape} {logits.dtype}",
        )
    cell_side(logits.shape[0])
    scores: Array = OP.on(provider)(logits)
    return scores


def cell_side(channels: int) -> int:
    """Pixels along a cell of so many channels; ShapeError if they are not s * s + 1."""
    side = math.isqrt(max(0, channels - 1))
    if side < 1 or side * side + 1 != channels:
        raise ShapeError("cells need s * s channels and a dustbin (65 for 8x8)", got=channels)
    return side
