"""CPU twin of conv_crf: compiled loops, or an equal numpy form without numba.

Memory at N pixels, n = N / blur^2 cells, L labels padded to P: 4 N P for the logits (8 N P
without numba), 4 filter_size^2 n for the weights, 8 n P for cells and messages.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available
from edgecv.ops._mean_field import LANES, padded
from edgecv.ops.conv_crf import Cells, ConvCrf, cells_of, enlarge_table
from edgecv.ops.dense_crf import arithmetic
from edgecv.ops.dense_crf.cpu import best_label

Array = npt.NDArray[Any]


def conv_crf(logits: Array, image: Array, crf: ConvCrf, labels: bool) -> Array:
    """See `edgecv.ops.conv_crf`; the arguments are checked there."""
    count, height, width = logits.shape
    q = (_compiled if jit_available() else mean_field)(logits, image, crf)
    if labels:
        return best_label(q, count).reshape(height, width)
    return np.ascontiguousarray(q[:, :count].T).reshape(logits.shape)


def features_of(image: Array, crf: ConvCrf) -> Array:
    """(H, W, 5) float32: x, y / spatial_sigma, colours / color_sigma."""
    height, width, _ = image.shape
    features = np.empty((height, width, 5), np.float32)
    features[..., 0] = np.arange(width, dtype=np.float32) / np.float32(crf.spatial_sigma)
    features[..., 1] = (np.arange(height, dtype=np.float32) / np.float32(crf.spatial_sigma))[
        :, None
    ]
    features[..., 2:] = image.astype(np.float32) / np.float32(crf.color_sigma)
    return features


def pool(maps: Array, cells: Cells, blur: int) -> Array:
    """Averages of (H, W, K) over cells, over what of them is inside: (h, w, K)."""
    height, width, depth = maps.shape
    room = np.zeros((cells.height * blur, cells.width * blur, depth + 1), np.float32)
    inside = room[cells.top : cells.top + height, cells.left : cells.left + width]
    inside[..., :depth], inside[..., depth] = maps, 1
    tiles = room.reshape(cells.height, blur, cells.width, blur, depth + 1)
    total = np.zeros((cells.height, cells.width, depth + 1), np.float32)
    for y in range(blur):
        for x in range(blur):
            total += tiles[:, y, :, x]
    return total[..., :depth] / total[..., depth:]


def weights_of(features: Array, crf: ConvCrf) -> Array:
    """What each cell hears of each cell around it: (k * k, h, w) float32, 0 outside."""
    height, width, _ = features.shape
    reach, half = crf.filter_size // 2, np.float32(-0.5)
    weights = np.zeros((crf.filter_size, crf.filter_size, height, width), np.float32)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            here, there = _overlap(height, dy), _overlap(width, dx)
            step = features[here[1], there[1]] - features[here[0], there[0]]
            square = step * step
            place = arithmetic.exponential((square[..., 0] + square[..., 1]) * half)
            color = (square[..., 2] + square[..., 3]) + square[..., 4]
            near = np.float32(crf.spatial_weight) * place
            alike = np.float32(crf.color_weight) * arithmetic.exponential(color * half)
            weights[dy + reach, dx + reach][here[0], there[0]] = near + alike
    return weights.reshape(-1, height, width)


def _overlap(side: int, step: int) -> tuple[slice, slice]:
    """Cells that have a neighbour `step` on, and those neighbours."""
    size = max(0, side - abs(step))
    return slice(max(0, -step), max(0, -step) + size), slice(max(0, step), max(0, step) + size)


def messages(cells: Array, weights: Array, crf: ConvCrf) -> Array:
    """Sum over the window of weight * cell: (h, w, P) of (h, w, P)."""
    height, width, _ = cells.shape
    reach = crf.filter_size // 2
    total = np.zeros_like(cells)
    for tap, weight in enumerate(weights):
        dy, dx = tap // crf.filter_size - reach, tap % crf.filter_size - reach
        here, there = _overlap(height, dy), _overlap(width, dx)
        part = weight[here[0], there[0], None] * cells[here[1], there[1]]
        total[here[0], there[0]] += part
    return total


def enlarge(cells: Array, size: tuple[int, int], grid: Cells, blur: int) -> Array:
    """(h, w, P) cells at each pixel, bilinear between their centres: (H, W, P)."""
    (rows, down), (columns, across) = (
        enlarge_table(size[0], grid.height, grid.top, blur),
        enlarge_table(size[1], grid.width, grid.left, blur),
    )
    one, down, across = np.float32(1), down[:, None, None], across[None, :, None]
    line = (one - down) * cells[rows[:, 0]] + down * cells[rows[:, 1]]
    wide: Array = (one - across) * line[:, columns[:, 0]] + across * line[:, columns[:, 1]]
    return wide


def mean_field(logits: Array, image: Array, crf: ConvCrf) -> Array:
    """Q (N, P) (numpy form)."""
    size, grid = image.shape[:2], cells_of((image.shape[0], image.shape[1]), crf.blur)
    rows = arithmetic.pack(logits, padded(len(logits))).reshape(*size, -1)
    q = rows if crf.iterations else arithmetic.softmax(rows)
    weights = weights_of(pool(features_of(image, crf), grid, crf.blur), crf)
    rate = np.float32(crf.rate)
    for _ in range(crf.iterations):
        heard = messages(pool(q, grid, crf.blur), weights, crf)
        heard = enlarge(heard, (size[0], size[1]), grid, crf.blur)
        q = arithmetic.softmax((np.float32(1) - rate) * rows + rate * heard)
    return q.reshape(-1, q.shape[-1])


def _compiled(logits: Array, image: Array, crf: ConvCrf) -> Array:
    from edgecv.ops.conv_crf.loops import Place, gather_all, listen, update, weigh
    from edgecv.ops.dense_crf import loops
    from edgecv.ops.dense_crf.step import softmax

    count, height, width = logits.shape
    grid = cells_of((height, width), crf.blur)
    rows = np.empty((height * width, padded(count)), np.float32)
    octets = (0,) * (rows.shape[1] // LANES)
    loops.pack(np.ascontiguousarray(logits).reshape(count, -1), arithmetic.FAR, rows)
    if not crf.iterations:
        softmax(rows, np.empty(rows.size, np.int32), octets)
        return rows
    place = Place(
        *enlarge_table(height, grid.height, grid.top, crf.blur),
        *enlarge_table(width, grid.width, grid.left, crf.blur),
        (np.arange(height) + grid.top) // crf.blur,
        (np.arange(width) + grid.left) // crf.blur,
        np.float32(crf.rate),
    )
    side, reach, taps = crf.filter_size, crf.filter_size // 2, -(-crf.filter_size // 4) * 4
    weights = np.empty((grid.height, grid.width, side, taps), np.float32)
    kinds = (np.float32(crf.spatial_weight), np.float32(crf.color_weight))
    weigh(pool(features_of(image, crf), grid, crf.blur), kinds, side, weights)
    heard, sums = np.zeros((2, grid.height, grid.width, rows.shape[1]), np.float32)
    gather_all(rows, place, sums, octets)
    room = np.zeros((grid.height + side, grid.width + side + taps, rows.shape[1]), np.float32)
    cells = room[reach : reach + grid.height, reach : reach + grid.width]
    inside = pool_sizes(grid, (height, width), crf.blur)
    for left in range(crf.iterations - 1, -1, -1):
        np.divide(sums, inside, out=cells)
        listen(room, weights, side, heard, octets)
        sums[:] = 0
        update(rows, heard, place, sums, left == 0, octets)
    return rows


def pool_sizes(grid: Cells, size: tuple[int, int], blur: int) -> Array:
    """How many pixels each cell has: (h, w, 1) float32."""
    y = np.bincount((np.arange(size[0]) + grid.top) // blur, minlength=grid.height)
    x = np.bincount((np.arange(size[1]) + grid.left) // blur, minlength=grid.width)
    sizes: Array = (y[:, None] * x)[..., None].astype(np.float32)
    return sizes
