"""Antialiased bilinear resizing: Pillow's triangle filter in Pillow's integer arithmetic.

Each output pixel is a weighted mean of the source pixels under a triangle as wide as the scale
(at least one source pixel to either side). Weights are normalised in double precision and rounded
to 22 bits; the horizontal pass comes first and rounds to uint8, then the vertical one. That is what
`PIL.Image.resize(BILINEAR)` computes, which torchvision's and timm's weights were trained behind;
torch's own `interpolate(antialias=True)` keeps floats between the passes and differs by at most
one grey level.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available
from edgecv.ops.letterbox.scratch import scratch

Array = npt.NDArray[Any]
Taps = tuple[Array, Array, Array]

BITS = 22  # Pillow: 32 - 8 bits of pixel - 2 bits of headroom


def resize_antialias(
    image: Array, out: Array, size: tuple[int, int], corner: tuple[int, int] = (0, 0)
) -> None:
    """Resize `image` to `size` and write the part of it that starts at `corner`.

    A direction whose size does not change is not filtered. Only source pixels under the part's
    filters are read.

    Args:
        image: (H, W, 3) uint8, C-ordered in rows.
        out: (h, w, 3) uint8, C-contiguous.
        size: (height, width) of the whole resized image.
        corner: (top, left) of `out` in it.
    """
    rows, down = _part(image.shape[0], size[0], corner[0], out.shape[0])
    columns, across = _part(image.shape[1], size[1], corner[1], out.shape[1])
    changed = (image.shape[0] != size[0], image.shape[1] != size[1])
    image = image[rows, columns]
    if changed[1]:
        image = _across(image, across)
    if changed[0]:
        _down(np.ascontiguousarray(image), down, out)
    else:
        np.copyto(out, image)


def _across(image: Array, taps: Taps) -> Array:
    """Filter along rows: turned by 90 degrees, the sums run over whole rows and vectorise."""
    import cv2

    high, wide = image.shape[0], len(taps[0])
    turned = scratch("turned", (image.shape[1], high, 3))
    filtered = scratch("filtered", (wide, high, 3))
    back = scratch("back", (high, wide, 3))
    cv2.transpose(image, turned)
    _down(turned, taps, filtered)
    cv2.transpose(filtered, back)
    return back


def _down(image: Array, taps: Taps, out: Array) -> None:
    """Filter along columns: (H, w, 3) -> (h, w, 3) uint8, both C-contiguous."""
    if jit_available():
        from edgecv.ops.letterbox.loops import filter_columns

        filter_columns(image, *taps, out)
        return
    starts, counts, weights = taps
    total = np.full(out.shape, 1 << (BITS - 1), np.int32)
    for k in range(int(counts.max())):
        # past its count a pixel's weight is 0: any valid index will do
        source = np.minimum(starts + k, len(image) - 1)
        total += image[source].astype(np.int32) * weights[:, k, None, None]
    np.copyto(out, np.clip(total >> BITS, 0, 255), casting="unsafe")


@lru_cache(maxsize=64)
def _part(old: int, new: int, start: int, length: int) -> tuple[slice, Taps]:
    """The source pixels that `length` outputs from `start` read, and their taps within those."""
    starts, counts, weights = (table[start : start + length] for table in _taps(old, new))
    first, last = int(starts.min()), int((starts + counts).max())
    return slice(first, last), (starts - np.int32(first), counts, weights)


def _taps(old: int, new: int) -> Taps:
    """First source index (new,), number of taps (new,) and weights (new, taps), all int32."""
    if old == new:
        starts = np.arange(new, dtype=np.int32)
        return starts, np.ones(new, np.int32), np.full((new, 1), 1 << BITS, np.int32)
    scale = old / new
    support = max(scale, 1.0)
    taps = math.ceil(support) * 2 + 1
    centre = (np.arange(new) + 0.5) * scale
    starts = np.maximum((centre - support + 0.5).astype(np.int64), 0)
    counts = np.minimum((centre + support + 0.5).astype(np.int64), old) - starts
    offset = np.arange(taps) + starts[:, None] - centre[:, None] + 0.5
    weights = np.maximum(1.0 - np.abs(offset * (1.0 / support)), 0.0)
    weights[np.arange(taps) >= counts[:, None]] = 0.0
    total = np.zeros(new)
    for column in weights.T:  # in order, as Pillow sums them
        total += column
    weights /= total[:, None]
    fixed = np.floor(weights * (1 << BITS) + 0.5).astype(np.int32)
    return starts.astype(np.int32), counts.astype(np.int32), fixed
