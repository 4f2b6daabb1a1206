"""Image classification: logits become the best classes and their probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from edgecv.head import ClassifyHead
from edgecv.ops.class_scores import class_scores
from edgecv.results import Classes, Results
from edgecv.runtime.heads import role
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
    return [
        Classes(*class_scores(row, head.topk, head.activation), head.names, geometry.image_size)
        for row, geometry in zip(logits, geometries, strict=False)
    ]
