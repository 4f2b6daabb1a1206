"""RoIAlign: features under each box, resampled to a fixed grid, over one or several levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("roi_align", atol=0.0, share=0.0, providers=("cpu",))

MAX_LEVELS = 5  # P2..P6
MAX_SAMPLES = 64  # samples of one bin and axis when their number follows the box


@dataclass(frozen=True)
class RoiGrid:
    """How boxes are pooled.

    Attributes:
        size: (height, width) of the output grid, in bins.
        scales: Feature cells per input pixel of each level, the finest first (1/4, 1/8, …).
        aligned: Whether box coordinates are shifted by half a cell, so that they mean the same
            as in the picture (Detectron2, torchvision's `aligned=True`). The published Mask R-CNN
            weights of torchvision want False; then a box also is at least one cell wide and high.
        sampling: Samples a bin and axis; 0: as many as cells under a bin, at most MAX_SAMPLES.
        canonical: (side, level): a box of this side in input pixels is pooled from this index
            of `scales`, one twice as large from the next (FPN: 224 pixels from P4).
    """

    size: tuple[int, int]
    scales: tuple[float, ...]
    aligned: bool
    sampling: int = 2
    canonical: tuple[float, int] = (224.0, 2)

    def __post_init__(self) -> None:
        """Check what the kernels rely on.

        Raises:
            ShapeError: no or too many levels, an empty grid, or too many samples.
        """
        if not 1 <= len(self.scales) <= MAX_LEVELS or min(self.scales) <= 0:
            raise ShapeError(f"roi_align needs 1 to {MAX_LEVELS} positive scales", got=self.scales)
        if min(self.size) < 1 or max(self.size) > 64:
            raise ShapeError("roi_align's grid must be 1 to 64 bins a side", got=self.size)
        if not 0 <= self.sampling <= MAX_SAMPLES:
            raise ShapeError(f"roi_align takes 0 to {MAX_SAMPLES} samples", got=self.sampling)

    @property
    def limits(self) -> Array:
        """(levels - 1,) float32: area in input pixels from which a box leaves each level."""
        side, level = self.canonical
        steps = np.arange(1, len(self.scales)) - level - 1e-6  # the tolerance of torchvision
        areas: Array = (side * 2.0**steps) ** 2
        return areas.astype(np.float32)


def fpn_levels(boxes: Array, grid: RoiGrid) -> Array:
    """Which level each box is pooled from.

    level = canonical level + floor(log2(sqrt(area) / canonical side) + 1e-6), clamped to those
    there are; computed by comparing areas, so that no two machines' logarithms can disagree. A box
    of NaN is of level 0.

    Args:
        boxes: (K, 4) float32 xyxy in input pixels.
        grid: Its scales and canonical box.

    Returns:
        (K,) int64 indices into `grid.scales`.

    Source: Lin et al., "Feature Pyramid Networks", arXiv:1612.03144, equation 1; torchvision's
    LevelMapper for the tolerance.
    """
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    levels: Array = (area[:, None] >= grid.limits).sum(axis=1).astype(np.int64)
    return levels


def roi_align(
    features: Sequence[Array], boxes: Array, grid: RoiGrid, *, provider: str = "cpu"
) -> Array:
    """Average of bilinear samples in each bin of each box.

    A box is scaled to cells (and shifted by half a cell if `grid.aligned`), cut into bins, each
    bin sampled at `sampling` x `sampling` regular points. A sample at (y, x) cells is bilinear
    between cell centres at whole numbers; it is zero further than one cell outside the map, and
    clamped to the border nearer than that. Sums are float32, in the order of the samples, top left
    first. A box that is not finite gives zeros; one of no area gives samples of a point (aligned;
    none if their number follows the box) or of one cell.

    Args:
        features: One (C, h, w) float32 map per level, the finest first, as engines write them.
        boxes: (K, 4) float32 xyxy in input pixels.
        grid: Output grid, scales and sampling.
        provider: "cpu".

    Returns:
        (K, C, *grid.size) float32.

    Raises:
        ShapeError: wrong shapes or dtypes.

    Source: He et al., "Mask R-CNN", arXiv:1703.06870, section 3; rounding as torchvision.
    """
    if len(features) != len(grid.scales):
        raise ShapeError("roi_align needs one map per scale", got=len(features), needed=grid.scales)
    for feature in features:
        if feature.ndim != 3 or feature.dtype != np.float32 or len(feature) != len(features[0]):
            raise ShapeError(
                "features must be (C, h, w) float32", got=f"{feature.shape} {feature.dtype}"
            )
    if boxes.ndim != 2 or boxes.shape[1] != 4 or boxes.dtype != np.float32:
        raise ShapeError("boxes must be (K, 4) float32", got=f"{boxes.shape} {boxes.dtype}")
    pooled: Array = OP.on(provider)(features, boxes, grid)
    return pooled
