"""The best classes of each image and their probabilities."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]
Activation = Literal["softmax", "sigmoid", "none"]

# ids are equal; sums in another order and another libm's exp differ by ulps
OP = Op("class_scores", atol=1e-6, share=1.0)


def class_scores(
    logits: Array, k: int, activation: Activation = "softmax", *, provider: str = "cpu"
) -> tuple[Array, Array]:
    """The k best classes of one image, best first; of equal ones the lower id.

    The order is that of the logits: NaN counts as minus infinity. The softmax subtracts the
    highest logit and is taken over all classes, in float32; one NaN makes all its scores NaN.

    Args:
        logits: (C,) float32; probabilities if `activation` is "none".
        k: At most this many.
        activation: What turns a value into a probability.
        provider: "cpu".

    Returns:
        (K,) int64 ids and (K,) float32 probabilities, K = min(k, C).

    Raises:
        ShapeError: `logits` is not (C,) float32 with C >= 1.
    """
    if logits.ndim != 1 or logits.dtype != np.float32 or len(logits) == 0:
        raise ShapeError("logits must be (C,) float32", got=f"{logits.shape} {logits.dtype}")
    found: tuple[Array, Array] = OP.on(provider)(logits, k, activation)
    return found
