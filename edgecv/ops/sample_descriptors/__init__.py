"""Descriptors of keypoints: a coarse map is read between its cells, then made unit length.

How a pixel lies between cells is `Grid`, because networks were trained and published with
different rules. p is the pixel's index (0 is the first pixel's centre), s the stride, w the map's
width in cells; along y likewise:

- `centre`: (p + 0.5) / s - 0.5. Cells tile the input: torch's grid_sample with
  align_corners=False. For networks without a published rule.
- `superpoint`: p (w - 1) / (w s). The authors' demo: x / (W / 2) - 1 with
  align_corners=True.
- `superglue`: (p - s / 2 + 0.5) (w - 1) / (w s - s / 2 - 0.5). What SuperGlue's authors and most
  followers run with the same weights.

Beyond the outermost cells the map goes on with their values. (grid_sample's zeros give the same
vectors after the normalisation: a weight that is common to all channels.)
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError, UsageError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]
Grid = Literal["centre", "superpoint", "superglue"]

OP = Op("sample_descriptors", atol=1e-6, share=1.0)  # sums of squares in another order

SMALLEST = 1e-12  # norms below are not divided by, as in torch's normalize


def sample_descriptors(
    maps: Array, points: Array, stride: float, grid: Grid = "superglue", *, provider: str = "cpu"
) -> Array:
    """Unit descriptors at points, bilinear between cells.

    Args:
        maps: (D, h, w) float32 or float16.
        points: (K, 2) float32 x, y in pixels of the network's input from the outer corner of the
            first pixel: its centre is (0.5, 0.5). A point that is not finite gives NaN.
        stride: Input pixels per cell.
        grid: How pixels lie between cells; see the module.
        provider: "cpu".

    Returns:
        (K, D) float32; a descriptor of zeros stays zero, one with a NaN is NaN.

    Raises:
        ShapeError: an array has another shape or type, or the map has no cells.
        UsageError: an unknown grid, or a stride that is not positive.

    Between two cells (0, 3) and (8, 3), a quarter of the way: (2, 3) / |(2, 3)|.

    >>> maps = np.float32([0, 8, 3, 3]).reshape(2, 1, 2)
    >>> sample_descriptors(maps, np.float32([[6, 4]]), 8, "centre").round(4).tolist()
    [[0.5546998977661133, 0.8320999741554260]]
    """
    if maps.ndim != 3 or maps.dtype not in (np.float32, np.float16) or 0 in maps.shape:
        raise ShapeError(
            "maps must be (D, h, w) float32 or float16", got=f"{maps.shape} {maps.dtype}"
        )
    if points.ndim != 2 or points.shape[1] != 2 or points.dtype != np.float32:
        raise ShapeError("points must be (K, 2) float32", got=f"{points.shape} {points.dtype}")
    rule = cell_rule(grid, stride, (maps.shape[1], maps.shape[2]))
    sampled: Array = OP.on(provider)(maps, points, rule)
    return sampled


def cell_rule(grid: str, stride: float, shape: tuple[int, int]) -> Array:
    """(2, 2) float32: cell = factor * point + offset, for x and for y.

    Raises:
        UsageError: an unknown grid, or a stride that is not positive.
    """
    if grid not in get_args(Grid):
        raise UsageError(f"grid: {grid!r} is not one of {', '.join(get_args(Grid))}")
    if not stride > 0:
        raise UsageError("the stride of descriptors must be positive", got=stride)
    return np.array([_along(grid, stride, side) for side in shape[::-1]], np.float32)


def _along(grid: str, stride: float, side: int) -> tuple[float, float]:
    if grid == "centre":
        return 1 / stride, -0.5
    if side == 1:
        return 0.0, 0.0
    if grid == "superpoint":
        factor = (side - 1) / (side * stride)
        return factor, -0.5 * factor
    factor = (side - 1) / (side * stride - stride / 2 - 0.5)
    return factor, -0.5 * stride * factor
