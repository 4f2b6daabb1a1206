"""YOLACT's masks: prototypes weighted by each instance's coefficients, inside its box only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

# a sum of k products in another order, and expf of another library
OP = Op("prototypes", atol=2e-6, share=1.0, providers=("cpu",))


def prototypes(
    maps: Array, coefficients: Array, boxes: Array, *, provider: str = "cpu"
) -> tuple[tuple[Array, ...], Array]:
    """A soft mask of each box: sigmoid of the weighted sum of the maps, at their resolution.

    Of each instance only the cells are computed from which its box can be interpolated: those
    whose centre is less than one cell outside of it, one repeated cell beyond the map's border
    included (so that a later bilinear enlargement is clamped there). Paste them with
    `edgecv.ops.mask_paste`, which cuts them at the box.

    Differs from the published code in that: it cuts at whole cells of the map, one cell outside
    of the box, and enlarges then; we cut the enlarged mask at the box, as the paper says.

    Args:
        maps: (k, h, w) float32.
        coefficients: (N, k) float32, after their tanh.
        boxes: (N, 4) float32 xyxy in cells of the maps. One of no area, or not finite, has an
            empty mask.
        provider: "cpu".

    Returns:
        N arrays (h_i, w_i) float32 of probabilities, and (N, 4) int64 xyxy: the cells each covers,
        from -1 to w + 1 or h + 1.

    Raises:
        ShapeError: wrong shapes or dtypes.

    Source: Bolya et al., "YOLACT", arXiv:1904.02689, section 3.3.
    """
    if maps.ndim != 3 or maps.dtype != np.float32:
        raise ShapeError("maps must be (k, h, w) float32", got=f"{maps.shape} {maps.dtype}")
    for name, array, width in (("coefficients", coefficients, len(maps)), ("boxes", boxes, 4)):
        if array.shape != (len(boxes), width) or array.dtype != np.float32:
            raise ShapeError(
                f"{name} must be ({len(boxes)}, {width}) float32",
                got=f"{array.shape} {array.dtype}",
            )
    found: tuple[tuple[Array, ...], Array] = OP.on(provider)(maps, coefficients, boxes)
    return found
