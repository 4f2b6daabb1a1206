"""What both CRFs ask of their scores, pictures and parameters, and how rows of labels lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError

Array = npt.NDArray[Any]

MAX_LABELS = 256  # labels are uint8
LANES = 8  # labels are padded to a multiple of this
_MOST_WEIGHT = 1e4


def padded(labels: int) -> int:
    """Labels of a row in memory: the next multiple of `LANES`."""
    return -(-labels // LANES) * LANES


def check_pair(logits: Array, image: Array) -> None:
    """Hold scores and picture to each other.

    Args:
        logits: Must be (L, H, W) float32.
        image: Must be (H, W, 3) uint8.

    Raises:
        ShapeError: they are not.
    """
    if logits.ndim != 3 or logits.dtype != np.float32:
        raise ShapeError("logits must be (L, H, W) float32", got=f"{logits.shape} {logits.dtype}")
    if image.shape != (*logits.shape[1:], 3) or image.dtype != np.uint8:
        raise ShapeError(
            f"image must be ({logits.shape[1]}, {logits.shape[2]}, 3) uint8, as the logits",
            got=f"{image.shape} {image.dtype}",
        )


def check_size(op: str, labels: int, size: tuple[int, int]) -> None:
    """Refuse too many labels, and an empty picture.

    Args:
        op: Its name, for the error.
        labels: How many.
        size: Height and width in pixels.

    Raises:
        ShapeError: with the rule that is broken.
    """
    if not 1 <= labels <= MAX_LABELS:
        raise ShapeError(f"{op} takes 1 to {MAX_LABELS} labels", got=labels)
    if min(size) < 1:
        raise ShapeError(f"{op} needs at least one pixel", got=str(size))


def check_kernels(
    op: str, sigmas: Sequence[float], weights: Sequence[float], iterations: int
) -> None:
    """Refuse Gaussian kernels that mean nothing.

    Args:
        op: Its name, for the error.
        sigmas: Widths of the kernels.
        weights: Their weights; 0 leaves one out.
        iterations: Mean-field updates.

    Raises:
        ShapeError: with the rule that is broken.
    """
    if not all(np.isfinite(sigma) and sigma > 0 for sigma in sigmas):
        raise ShapeError(f"{op}: every sigma must be positive", got=str(sigmas))
    if not all(0 <= weight < _MOST_WEIGHT for weight in weights):
        raise ShapeError(f"{op}: weights must be in 0..10000", got=str(weights))
    if iterations < 0:
        raise ShapeError(f"{op}: iterations must not be negative", got=iterations)
