"""Compiled loop of roi_align; imported only where numba is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit

Array = npt.NDArray[Any]

MAX_SAMPLES = 64  # edgecv.ops.roi_align.MAX_SAMPLES, as numba wants it: a constant of this module


@jit
def axis(
    span: tuple[np.float32, np.float32],
    aligned: bool,
    sampling: int,
    cells: int,
    low: Array,
    weight: Array,
) -> int:
    """Samples along one axis, into `low` (bins, MAX_SAMPLES) and `weight` (bins, MAX_SAMPLES).

    `span` is where the box begins and ends in cells; `low` becomes the lower cell, or -1 for a
    sample outside, and `weight` that of the upper cell.

    Returns:
        Samples a bin.
    """
    bins = len(low)
    start, length = span[0], span[1] - span[0]
    if not aligned and length < np.float32(1):
        length = np.float32(1)
    size = length / np.float32(bins)
    samples = sampling
    if samples == 0 and np.isfinite(size):
        samples = int(min(max(np.ceil(size), np.float32(0)), np.float32(MAX_SAMPLES)))
    for b in range(bins):
        for s in range(samples):
            step = (np.float32(s) + np.float32(0.5)) * size / np.float32(samples)
            at = (start + np.float32(b) * size) + step
            if not (at >= np.float32(-1) and at <= np.float32(cells)):
                low[b, s] = -1
                continue
            at = max(at, np.float32(0))
            cell = int(at)
            if cell >= cells - 1:
                low[b, s], weight[b, s] = cells - 1, np.float32(0)
            else:
                low[b, s], weight[b, s] = cell, at - np.float32(cell)
    return samples


@jit
def pool(
    feature: Array,
    boxes: Array,
    index: Array,
    how: tuple[np.float32, bool, int],
    pooled: Array,
) -> None:
    """Pool the boxes of one level.

    Args:
        feature: (C, h, w) float32.
        boxes: (K, 4) float32 xyxy in input pixels.
        index: (n,) which of them.
        how: Cells a pixel, whether half a cell is taken off, samples a bin and axis (0: as many as
            cells under it).
        pooled: (K, C, rows, columns) float32; those of `index` are written.
    """
    scale, aligned, sampling = how
    channels, height, width = feature.shape
    rows, columns = pooled.shape[2:]
    shift = np.float32(0.5) if aligned else np.float32(0)
    lows, weights = (
        np.empty((rows, MAX_SAMPLES), np.int64),
        np.empty((rows, MAX_SAMPLES), np.float32),
    )
    lefts, shares = (
        np.empty((columns, MAX_SAMPLES), np.int64),
        np.empty((columns, MAX_SAMPLES), np.float32),
    )
    one = np.float32(1)
    for k in index:
        x0, x1 = boxes[k, 0] * scale - shift, boxes[k, 2] * scale - shift
        y0, y1 = boxes[k, 1] * scale - shift, boxes[k, 3] * scale - shift
        ny = axis((y0, y1), aligned, sampling, height, lows, weights)
        nx = axis((x0, x1), aligned, sampling, width, lefts, shares)
        count = np.float32(max(ny * nx, 1))
        for c in range(channels):
            plane = feature[c]
            for by in range(rows):
                for bx in range(columns):
                    total = np.float32(0)
                    for i in range(ny):
                        top = lows[by, i]
                        if top < 0:
                            continue
                        bottom, below = min(top + 1, height - 1), weights[by, i]
                        above = one - below
                        for j in range(nx):
                            left = lefts[bx, j]
                            if left < 0:
                                continue
                            right, after = min(left + 1, width - 1), shares[bx, j]
                            before = one - after
                            value = above * before * plane[top, left]
                            value += above * after * plane[top, right]
                            value += below * before * plane[bottom, left]
                            value += below * after * plane[bottom, right]
                            total += value
                    pooled[k, c, by, bx] = total / count
