"""Image classification: logits become the best classes and their probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.head import ClassifyHead
from edgecv.ops.topk import topk
from edgecv.results import Classes, Results
from edgecv.runtime.heads import role, sigmoid
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def decode(
    head: ClassifyHead, outputs: Mapping[str, Array], geometries: Sequence[Geometry]
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`. `logits` is (N, C), or (N, C, 1, 1) as some nets end."""
    name = head.tensor("logits")
    if name in outputs and outputs[name].ndim == 4:
        outputs = {name: outputs[name].reshape(outputs[name].shape[:2])}
    logits = role(head, outputs, "logits", (None,))
    found: list[Results] = []
    for row, geometry in zip(logits, geometries, strict=False):
        best = topk(row, head.topk)  # monotone: the best logits are the best probabilities
        scores = _probabilities(row, best, head.activation)
        found.append(Classes(best, scores, head.names, geometry.image_size))
    return found


def _probabilities(logits: Array, best: Array, activation: str) -> Array:
    if activation == "softmax":
        powers = np.exp(logits - logits[best[0]])
        share: Array = powers[best] / powers.sum()
        return share
    return sigmoid(logits[best]) if activation == "sigmoid" else logits[best]
