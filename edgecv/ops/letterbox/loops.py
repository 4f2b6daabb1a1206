"""Compiled loops of letterbox, imported only where numba is.

`cpu.py` and `antialias.py` hold the numpy forms with the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit

Array = npt.NDArray[Any]


@jit
def normalise(
    small: Array, out: Array, top: int, left: int, constants: Array, pad: np.float32
) -> None:
    """See `cpu.normalise`; three channels are read in one pass so that the loads vectorise."""
    channels, height, width = out.shape
    y0, y1 = max(0, top), min(height, top + small.shape[0])
    x0, x1 = max(0, left), min(width, left + small.shape[1])
    for c in range(channels):
        grey = (pad - constants[1, c]) / constants[2, c]
        out[c, :y0] = grey
        out[c, y1:] = grey
        if x0 > 0 or x1 < width:
            for y in range(y0, y1):
                out[c, y, :x0] = grey
                out[c, y, x1:] = grey
    if channels == 1:
        mean, std = constants[1, 0], constants[2, 0]
        for y in range(y0, y1):
            line = out[0, y, x0:x1]
            for x in range(x1 - x0):
                line[x] = (np.float32(small[y - top, x0 - left + x, 0]) - mean) / std
        return
    first, last = (0, 2) if constants[0, 0] == 0 else (2, 0)
    m0, m1, m2 = constants[1, first], constants[1, 1], constants[1, last]
    s0, s1, s2 = constants[2, first], constants[2, 1], constants[2, last]
    for y in range(y0, y1):
        row = small[y - top].reshape(-1)[3 * (x0 - left) : 3 * (x1 - left)]
        blue, green, red = out[first, y, x0:x1], out[1, y, x0:x1], out[last, y, x0:x1]
        for x in range(x1 - x0):
            blue[x] = (np.float32(row[3 * x]) - m0) / s0
            green[x] = (np.float32(row[3 * x + 1]) - m1) / s1
            red[x] = (np.float32(row[3 * x + 2]) - m2) / s2


@jit
def filter_columns(image: Array, starts: Array, counts: Array, weights: Array, out: Array) -> None:
    """Vertical pass of the antialias filter, (H, w, 3) -> (h, w, 3) uint8; whole rows vectorise."""
    length = out.shape[1] * 3
    total = np.empty(length, np.int32)
    for y in range(out.shape[0]):
        total[:] = 1 << 21
        for k in range(counts[y]):
            weight = weights[y, k]
            row = image[starts[y] + k].reshape(-1)
            for x in range(length):
                total[x] += np.int32(row[x]) * weight
        line = out[y].reshape(-1)
        for x in range(length):
            line[x] = min(max(total[x] >> 22, 0), 255)


@jit
def convert_nv12(luma: Array, chroma: Array, numbers: Array, out: Array) -> None:
    """See `nv12.bgr_of`; `numbers` is its Coefficients as int32."""
    height, width = luma.shape
    offset, gain, blue_u, green_u, green_v, red_v = numbers
    terms = np.empty((3, 2 * chroma.shape[1]), np.int32)  # of a pair of rows, so that x vectorises
    blue, green, red = terms
    top, half = np.int32(255), np.int32(1 << 19)
    for y in range(height):
        if y % 2 == 0:
            pairs = chroma[y >> 1]
            for k in range(len(pairs)):
                u, v = np.int32(pairs[k, 0]) - np.int32(128), np.int32(pairs[k, 1]) - np.int32(128)
                for x in range(2 * k, 2 * k + 2):
                    blue[x], green[x], red[x] = blue_u * u, green_u * u + green_v * v, red_v * v
        bright, row = luma[y], out[y].reshape(-1)
        for x in range(width):
            grey = max(np.int32(bright[x]) - offset, np.int32(0)) * gain + half
            row[3 * x] = min(max((grey + blue[x]) >> np.int32(20), np.int32(0)), top)
            row[3 * x + 1] = min(max((grey + green[x]) >> np.int32(20), np.int32(0)), top)
            row[3 * x + 2] = min(max((grey + red[x]) >> np.int32(20), np.int32(0)), top)
