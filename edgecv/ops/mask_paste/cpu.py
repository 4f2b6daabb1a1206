"""CPU twin of mask_paste: each mask is interpolated along x, then along y, in its box alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available

Array = npt.NDArray[Any]

F = np.float32


def mask_paste(
    masks: Sequence[Array], regions: Array, boxes: Array, size: tuple[int, int], threshold: float
) -> Array:
    """See `edgecv.ops.mask_paste`; the arguments are checked there."""
    pasted = np.zeros((len(masks), *size), bool)
    for picture, mask, region, box in zip(pasted, masks, regions, boxes, strict=True):
        top, left, inside = window(mask, region, box, size, threshold)
        picture[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return pasted


def window(
    mask: Array, region: Array, box: Array, size: tuple[int, int], threshold: float
) -> tuple[int, int, Array]:
    """One mask where its box lies in the picture.

    Args:
        mask: (h, w) float32.
        region: (4,) float32 xyxy.
        box: (4,) float32 xyxy.
        size: (H, W) of the picture.
        threshold: In the unit of the mask.

    Returns:
        Top row, left column, and the bool array from there on; it lies inside the picture.
    """
    left, right = _pixels(box[0], box[2], size[1])
    top, bottom = _pixels(box[1], box[3], size[0])
    with np.errstate(all="ignore"):
        area = (region[2] - region[0]) * (region[3] - region[1])
        scale = [F(n) / (region[i + 2] - region[i]) for i, n in enumerate(mask.shape[::-1])]
    usable = area > 0 and region[2] > region[0] and np.isfinite([area, *scale]).all() and mask.size
    if not usable or right <= left or bottom <= top:
        return top, left, np.zeros((0, 0), bool)
    padded = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.float32)
    padded[1:-1, 1:-1] = mask
    x = _cells(left, right, region[0], scale[0], mask.shape[1])
    y = _cells(top, bottom, region[1], scale[1], mask.shape[0])
    if jit_available():
        from edgecv.ops.mask_paste.loops import interpolate

        return top, left, interpolate(padded, *x, *y, F(threshold))
    (low, share), (above, part) = x, y
    wide = padded[:, low] * (F(1) - share) + padded[:, low + 1] * share
    part = part[:, None]
    return top, left, wide[above] * (F(1) - part) + wide[above + 1] * part >= F(threshold)


def _pixels(start: Any, end: Any, size: int) -> tuple[int, int]:
    """Pixels of 0..size whose centre is in [start, end); empty if either is not a number."""
    if np.isnan(start) or np.isnan(end):
        return 0, 0
    edges = np.ceil(np.clip(np.array([start, end], np.float64), -1, size + 1) - 0.5)
    first, last = np.clip(edges, 0, size).astype(int)
    return int(first), int(last)


def _cells(first: int, last: int, start: Any, scale: Any, cells: int) -> tuple[Array, Array]:
    """Of each pixel: the lower of its two cells in the padded mask, and the upper's weight."""
    centres = np.arange(first, last, dtype=np.float32) + F(0.5)
    at = np.clip((centres - start) * scale - F(0.5), F(-1), F(cells)) + F(1)
    low = np.minimum(at.astype(np.int64), cells)
    return low, at - low.astype(np.float32)
