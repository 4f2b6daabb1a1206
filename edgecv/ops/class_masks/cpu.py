"""CPU twin of class_masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._probability import sigmoid

Array = npt.NDArray[Any]


def class_masks(masks: Array, channel: Array) -> Array:
    """See `edgecv.ops.class_masks`; the arguments are checked there."""
    if masks.shape[1] == 1:
        return sigmoid(masks[:, 0])
    return sigmoid(masks[np.arange(len(channel)), channel])
