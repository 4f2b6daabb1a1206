"""Probabilities and their logits, in float32 without overflow."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def logit(probability: float) -> float:
    """The logit of a probability in 0..1; -inf and inf at the ends."""
    with np.errstate(divide="ignore"):
        return float(np.log(probability) - np.log1p(-probability))


def sigmoid(logits: Array) -> Array:
    """1 / (1 + exp(-x)) in float32, without overflow."""
    with np.errstate(invalid="ignore"):  # NaN stays NaN
        probability: Array = np.exp(-np.logaddexp(np.float32(0), -logits))
    return probability


def limit_of(score: float, logits: bool) -> np.float32:
    """What a raw value is compared with so that its probability is at least `score`."""
    return np.float32(logit(score) if logits else score)
