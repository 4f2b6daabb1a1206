"""Of the masks a network gives for every class, each box's own, as probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("class_masks", atol=1e-6, share=1.0, providers=("cpu",))  # expf of another library


def class_masks(
    masks: Array, ids: Array, background_last: bool = False, *, provider: str = "cpu"
) -> Array:
    """(K, m, m) float32 probabilities: of each box the mask of its own class.

    Args:
        masks: (K, C, m, m) float32 logits, C the classes with or without the background, or 1.
        ids: (K,) int64 class ids, the background not counted.
        background_last: Whether the background is the last of the classes, where there is one;
            else it is the first.
        provider: "cpu".

    Raises:
        ShapeError: there are fewer masks than classes, or another shape.

    Source: He et al., "Mask R-CNN", arXiv:1703.06870, section 3: a sigmoid per class, no softmax.
    """
    if masks.ndim != 4 or masks.dtype != np.float32 or len(masks) != len(ids):
        raise ShapeError(
            "masks must be (K, C, m, m) float32", got=f"{masks.shape} {masks.dtype}", ids=len(ids)
        )
    channel = ids if background_last or masks.shape[1] == 1 else ids + 1
    if masks.shape[1] > 1 and len(ids) and int(channel.max()) >= masks.shape[1]:
        raise ShapeError(
            "the mask part has fewer masks than there are classes",
            got=f"{masks.shape}",
            largest_class=int(ids.max()),
        )
    found: Array = OP.on(provider)(masks, channel)
    return found
