"""Local maxima of score maps: the points CenterNet turns into boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("peaks", atol=0.0, share=0.0)


def peaks(maps: Array, threshold: float, k: int, *, provider: str = "cpu") -> tuple[Array, int]:
    """The k highest peaks of all maps together, highest first.

    A cell is a peak if it is at least `threshold` and the maximum of the 3x3 cells around it in
    its own map. On a plateau the cell with the lower index wins over its neighbours (fp16 maps
    have plateaus: counting all of their cells doubles detections, counting none loses them). NaN
    is never a peak and never hides one. Of equal peaks the lower index comes first.

    Args:
        maps: (C, h, w) float32: probabilities, or logits (then `threshold` is a logit too, and
            only the survivors need a sigmoid).
        threshold: In the unit of `maps`; may be -inf.
        k: At most this many.
        provider: "cpu".

    Returns:
        (K,) int64 indices into `maps.ravel()`, and how many peaks were dropped because K = k.

    Raises:
        ShapeError: `maps` is not (C, h, w) float32.

    Source: Zhou et al., "Objects as Points", arXiv:1904.07850, section 4.
    """
    if maps.ndim != 3 or maps.dtype != np.float32:
        raise ShapeError("maps must be (C, h, w) float32", got=f"{maps.shape} {maps.dtype}")
    found: tuple[Array, int] = OP.on(provider)(maps, threshold, k)
    return found
