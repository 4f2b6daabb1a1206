"""The box coder of R-CNN and its heirs: four numbers that move and stretch a reference box."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

MOST = math.log(1000 / 16)  # of the two logarithms: no box grows more than 62.5 times
Weights = tuple[float, float, float, float]
F = np.float32


def apply_deltas(deltas: Array, boxes: Array, weights: Weights) -> Array:
    """Boxes moved by dx, dy (in widths and heights) and stretched by exp(dw), exp(dh).

    Args:
        deltas: (K, 4) float32: dx, dy, dw, dh, each times its weight.
        boxes: (K, 4) float32 xyxy.
        weights: What the deltas were multiplied with in training; (10, 10, 5, 5) in R-CNN's
            second stage, (1, 1, 1, 1) in the first.

    Returns:
        (K, 4) float32 xyxy, not clipped.

    Source: Girshick et al., arXiv:1311.2524, appendix C; bound and weights as torchvision.
    """
    size = boxes[:, 2:] - boxes[:, :2]
    centre = boxes[:, :2] + F(0.5) * size
    moved = deltas[:, :2] / np.array(weights[:2], np.float32) * size + centre
    with np.errstate(over="ignore", invalid="ignore"):
        grown = np.minimum(deltas[:, 2:] / np.array(weights[2:], np.float32), F(MOST))
        half = F(0.5) * (np.exp(grown) * size)
    moved_boxes: Array = np.concatenate([moved - half, moved + half], axis=1)
    return moved_boxes


def clip_boxes(boxes: Array, area: Array) -> Array:
    """(K, 4) xyxy pulled into `area`, (4,) xyxy, both float32."""
    low, high = np.tile(area[:2], 2), np.tile(area[2:], 2)
    clipped: Array = np.minimum(np.maximum(boxes, low), high)
    return clipped


def large_enough(boxes: Array, side: float) -> Array:
    """(K,) bool: width and height are at least `side`; a box with NaN is not."""
    size = boxes[:, 2:] - boxes[:, :2]
    return np.asarray((size >= F(side)).all(axis=1))
