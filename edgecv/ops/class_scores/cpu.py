"""CPU twin of class_scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._probability import sigmoid
from edgecv.ops.class_scores import Activation
from edgecv.ops.topk import topk

Array = npt.NDArray[Any]


def class_scores(logits: Array, k: int, activation: Activation) -> tuple[Array, Array]:
    """See `edgecv.ops.class_scores`; the arguments are checked there."""
    best = topk(logits, k)  # monotone: the best logits are the best probabilities
    if activation == "softmax":
        with np.errstate(invalid="ignore"):  # inf - inf: not a number, as it should be
            powers = np.exp(logits - logits[best[0]])
        return best, powers[best] / powers.sum()
    return best, sigmoid(logits[best]) if activation == "sigmoid" else logits[best]
