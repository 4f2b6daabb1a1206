"""RoIPool: the maximum of the features in each bin of each box."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("roi_pool", atol=0.0, share=0.0, providers=("cpu",))

FAR = 1 << 20  # box edges beyond so many cells are pulled in: bins stay exact in 32 bits


class RoiBins(NamedTuple):
    """How boxes are pooled.

    Attributes:
        size: (height, width) of the output grid, in bins.
        scale: Feature cells per input pixel.
    """

    size: tuple[int, int]
    scale: float


def roi_pool(feature: Array, boxes: Array, bins: RoiBins, *, provider: str = "cpu") -> Array:
    """Maximum in each bin of each box, on whole cells.

    Box edges are scaled and rounded (half away from zero) to cells, both included; of a box n
    cells high, bin i of m covers rows floor(i n / m) to ceil((i + 1) n / m), clipped to the map.
    Caffe and torchvision compute that quotient in float32, which for a few sizes (57 cells in 7
    bins) reaches one cell past the box; ours are whole numbers throughout. NaN is passed over; a
    bin with no number above minus infinity is 0, and so is a box that is not finite.

    Args:
        feature: (C, h, w) float32.
        boxes: (K, 4) float32 xyxy in input pixels.
        bins: Output grid and scale.
        provider: "cpu".

    Returns:
        (K, C, *bins.size) float32.

    Raises:
        ShapeError: wrong shapes or dtypes.

    Source: Girshick, "Fast R-CNN", arXiv:1504.08083, section 2.1.
    """
    if feature.ndim != 3 or feature.dtype != np.float32:
        raise ShapeError(
            "features must be (C, h, w) float32", got=f"{feature.shape} {feature.dtype}"
        )
    if boxes.ndim != 2 or boxes.shape[1] != 4 or boxes.dtype != np.float32:
        raise ShapeError("boxes must be (K, 4) float32", got=f"{boxes.shape} {boxes.dtype}")
    pooled: Array = OP.on(provider)(feature, boxes, bins)
    return pooled
