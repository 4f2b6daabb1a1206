"""Boxes of YOLO v2 to v7's raw maps: offsets from a cell and factors of anchors, at several scales.

What every twin must compute, for anchor (aw, ah) in cell (cx, cy) of a map with its stride:

1. Score: sigmoid of the objectness times the class probability (a sigmoid; v2: a softmax over the
   classes), float32. A point whose objectness is below the score is passed over.
2. Survivors are scores >= the score; single-label: a point's best class only, of equal ones the
   lower. NaN survives nothing.
3. The k best; ties by scale, anchor, row, column, class.
4. Box: x = (sigmoid(tx) * s - (s - 1) / 2 + cx) * stride with s = `scale_xy`; width =
   aw * exp(tw), or aw * (2 sigmoid(tw))^2; likewise y and height.

Sources: Redmon and Farhadi, arXiv:1612.08242, section 2 (v2) and arXiv:1804.02767, section 2.1
(v3); Bochkovskiy et al., arXiv:2004.10934 (v4's scale_xy: "eliminate grid sensitivity"); the square
of twice the sigmoid is YOLOv5's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._candidates import Candidates
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("yolo_v3", atol=2e-6, share=0.001)

_BOX = 5  # x, y, width, height, objectness


class YoloScale(NamedTuple):
    """One map of a pyramid.

    Attributes:
        stride: Input pixels per cell.
        anchors: (width, height) in input pixels of the boxes of a cell.
        scale_xy: How far the sigmoid of an offset is stretched about its middle.
    """

    stride: float
    anchors: tuple[tuple[float, float], ...]
    scale_xy: float = 1.0


class YoloLayout(NamedTuple):
    """How maps are to be read.

    Attributes:
        channels_last: (anchors, h, w, 5 + C) instead of (anchors * (5 + C), h, w).
        softmax: Class values are logits of a softmax (v2), not of sigmoids.
        square: A size is the anchor times (2 sigmoid)^2, not times exp.
        multi_label: Every class of a point that reaches the score counts, not only the best.
    """

    channels_last: bool = False
    softmax: bool = False
    square: bool = False
    multi_label: bool = True


def grid_of(shape: tuple[int, ...], scale: YoloScale, layout: YoloLayout) -> tuple[int, int, int]:
    """Classes, height and width of a map of `shape`, without the batch.

    Raises:
        ShapeError: it is no map of as many anchors, or has no class.
    """
    count = len(scale.anchors)
    if layout.channels_last:
        fits = len(shape) == 4 and shape[0] == count
        values, grid = shape[-1], shape[1:3]
    else:
        fits = len(shape) == 3 and shape[0] % count == 0
        values, grid = shape[0] // count, shape[1:]
    if not fits or values <= _BOX:
        want = f"({count}, h, w, 5 + C)" if layout.channels_last else f"({count} * (5 + C), h, w)"
        raise ShapeError(f"a map of {count} anchors a cell must be {want}", got=f"{shape}")
    return values - _BOX, grid[0], grid[1]


def yolo_v3(
    maps: Sequence[Array],
    scales: Sequence[YoloScale],
    layout: YoloLayout,
    score: float,
    k: int,
    *,
    provider: str = "cpu",
) -> Candidates:
    """The k best boxes of one image's raw maps, before suppression.

    Args:
        maps: One float32 map a scale, as `layout` says; logits throughout.
        scales: Their strides and anchors.
        layout: What the values are.
        score: Probability in 0..1 that a box must reach.
        k: At most this many, of all scales together.
        provider: "cpu".

    Raises:
        ShapeError: a map of another shape or type, or maps of different classes.
    """
    if not maps or len(maps) != len(scales):
        raise ShapeError("there must be one map a scale", maps=len(maps), scales=len(scales))
    classes = {grid_of(m.shape, scale, layout)[0] for m, scale in zip(maps, scales, strict=True)}
    if len(classes) != 1 or {m.dtype for m in maps} != {np.dtype(np.float32)}:
        raise ShapeError("maps must be float32 and have the same classes", classes=sorted(classes))
    found: Candidates = OP.on(provider)(maps, scales, layout, score, k)
    return found
