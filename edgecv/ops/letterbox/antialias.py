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

Array = npt.NDArray[Any]

BITS = 22  # Pillow: 32 - 8 bits of pixel - 2 bits of headroom


def resize_antialias(image: Array, out: Array) -> None:
    """Resize `image` (H, W, 3) uint8 into `out` (h, w, 3) uint8, both C-ordered in rows.

    A direction whose size does not change is not filtered.
    """
    columns = _taps(image.shape[1], out.shape[1])
    rows = _taps(image.shape[0], out.shape[0])
    first, last = int(rows[0][0]), int(rows[0][-1] + rows[1][-1])
    image = image[first:last]  # only rows the vertical pass reads
    if image.shape[1] != out.shape[1]:
        middle = np.empty((image.shape[0], out.shape[1], 3), np.uint8)
        _pass(image, columns, middle, axis=1)
        image = middle
    if image.shape[0] != out.shape[0]:
        starts, counts, weights = rows
        _pass(image, (starts - np.int32(first), counts, weights), out, axis=0)
    else:
        np.copyto(out, image)


@lru_cache(maxsize=32)
def _taps(old: int, new: int) -> tuple[Array, Array, Array]:
    """First source index (new,), number of taps (new,) and weights (new, taps), all int32."""
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


def _pass(image: Array, taps: tuple[Array, Array, Array], out: Array, *, axis: int) -> None:
    if jit_available():
        from edgecv.ops.letterbox import loops

        (loops.filter_rows if axis else loops.filter_columns)(image, *taps, out)
        return
    starts, counts, weights = taps
    total = np.full(out.shape, 1 << (BITS - 1), np.int32)
    for k in range(int(counts.max())):
        # past its count a pixel's weight is 0: any valid index will do
        source = np.minimum(starts + k, image.shape[axis] - 1)
        weight = weights[:, k].reshape((-1, 1) if axis else (-1, 1, 1))
        total += image.take(source, axis=axis).astype(np.int32) * weight
    np.copyto(out, np.clip(total >> BITS, 0, 255), casting="unsafe")
