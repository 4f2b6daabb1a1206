"""The permutohedral lattice of one kernel: its coordinates as integers, and its numpy form.

A point of d features is lifted onto the plane of d + 1 coordinates that sum to 0, where lattice
vertices have integer coordinates of one remainder modulo d + 1. Each point lies in one simplex of
d + 1 vertices, one of each remainder. A vertex is one int64 key: (d + 1) * cell + remainder, where
cell counts floor(coordinate / (d + 1)) of the first d coordinates in mixed radix. A step along
an axis is then an addition, and vertices need no coordinates.

Source: Adams et al. 2010, section 3 and the appendix (the scale is such that the blur has unit
standard deviation).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError

Array = npt.NDArray[Any]

_MARGIN = 3  # cells beyond the box of features: rounding, the simplex, the blur's neighbours


@dataclass(frozen=True, eq=False)
class Grid:
    """How features become keys.

    Attributes:
        scale: (d,) float32 factor of each feature before it is lifted.
        low: (d,) int64 lowest cell of each coordinate.
        step: (d + 1,) int64 what one cell of each coordinate adds to a key; 0 for the last.
        bits: Keys are below 2 ** bits.
    """

    scale: Array
    low: Array
    step: Array
    bits: int

    @property
    def down(self) -> int:
        """What stepping to the next lower remainder adds to a key whose remainder is 0."""
        return int(len(self.scale) - self.step.sum())

    @property
    def gain(self) -> np.float32:
        """Constant of the slice: 1 / (1 + 2^-d), which makes up for what the blur adds."""
        return np.float32(1.0 / (1.0 + 2.0 ** -len(self.scale)))


class Lattice(NamedTuple):
    """One kernel on one picture.

    `offsets` (N, d + 1) uint32 vertices of a pixel, by remainder; `weights` (N, d + 1) float32
    normalised barycentric weights; `near` (d + 1, 2, M) int32 blur neighbours along each axis, M
    where there is none.
    """

    offsets: Array
    weights: Array
    near: Array


def grid_of(extent: list[float]) -> Grid:
    """The grid for features in 0..extent[j].

    Raises:
        ShapeError: keys would not fit in 62 bits.
    """
    d = len(extent)
    scale = np.array(
        [np.sqrt(2 / 3) * (d + 1) / np.sqrt((j + 1) * (j + 2)) for j in range(d)], np.float32
    )
    lifted = np.array(extent) * scale
    low = np.array([0.0] + [-j * lifted[j - 1] for j in range(1, d)])
    high = np.array([lifted[j:].sum() for j in range(d)])
    first = np.floor(low / (d + 1)) - _MARGIN
    radix = np.ceil(high / (d + 1)) + _MARGIN - first + 1
    bits = int(np.ceil(np.log2(radix).sum() + np.log2(d + 1)))
    if not bits <= 62:
        raise ShapeError(
            "dense_crf: the picture is too large for these sigmas",
            key_bits=bits,
            limit=62,
            fix="raise the smallest sigma",
        )
    step = np.zeros(d + 1, np.int64)
    step[:d] = (d + 1) * np.append(np.cumprod(radix[:0:-1].astype(np.int64))[::-1], 1)
    return Grid(scale, first.astype(np.int64), step, bits)


def spatial_features(height: int, width: int, sigma: float) -> Array:
    """(H * W, 2) float32 x and y over sigma."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    features: Array = np.stack([x, y], -1).reshape(-1, 2) / np.float32(sigma)
    return features


def bilateral_features(image: Array, sigma: float, color_sigma: float) -> Array:
    """(H * W, 5) float32: x, y over sigma, the three colours over color_sigma."""
    height, width, _ = image.shape
    features = np.empty((height * width, 5), np.float32)
    features[:, :2] = spatial_features(height, width, sigma)
    np.divide(image.reshape(-1, 3), np.float32(color_sigma), out=features[:, 2:], dtype=np.float32)
    return features


def spatial_grid(height: int, width: int, sigma: float) -> Grid:
    """The grid of `spatial_features`."""
    return grid_of([(width - 1) / sigma, (height - 1) / sigma])


def bilateral_grid(height: int, width: int, sigma: float, color_sigma: float) -> Grid:
    """The grid of `bilateral_features`."""
    return grid_of([(width - 1) / sigma, (height - 1) / sigma, *[255 / color_sigma] * 3])


def embed(features: Array, grid: Grid) -> tuple[Array, Array]:
    """Keys (N, d + 1) int64 and barycentric weights (N, d + 1) float32 of points (numpy form)."""
    d = features.shape[1]
    rise, inverse = np.float32(d + 1), np.float32(1 / (d + 1))
    lifted = np.empty((d + 1, len(features)), np.float32)
    total = np.zeros(len(features), np.float32)
    for j in range(d, 0, -1):
        part = features[:, j - 1] * grid.scale[j - 1]
        lifted[j] = total - np.float32(j) * part
        total += part
    lifted[0] = total
    cell = np.rint(lifted * inverse)
    excess = cell.sum(0).astype(np.int64)  # exact: small whole numbers
    rest = lifted - cell * rise
    rank = np.zeros(lifted.shape, np.int64)
    for i in range(d):
        for j in range(i + 1, d + 1):
            less = rest[i] < rest[j]
            rank[i] += less
            rank[j] += ~less
    rank += excess
    wrap = (rank < 0).astype(np.int64) - (rank > d)
    rank += wrap * (d + 1)
    cell += wrap.astype(np.float32)
    by_rank = np.empty(lifted.shape, np.float32)
    np.put_along_axis(by_rank, rank, (lifted - cell * rise) * inverse, 0)
    step_by_rank = np.empty(lifted.shape, np.int64)
    np.put_along_axis(step_by_rank, rank, np.broadcast_to(grid.step[:, None], rank.shape), 0)
    weights = np.empty((len(features), d + 1), np.float32)
    keys = np.empty((len(features), d + 1), np.int64)
    weights[:, 0] = by_rank[d] + (np.float32(1) - by_rank[0])
    keys[:, 0] = ((cell[:d].astype(np.int64) - grid.low[:, None]) * grid.step[:d, None]).sum(0)
    for k in range(1, d + 1):
        weights[:, k] = by_rank[d - k] - by_rank[d - k + 1]
        keys[:, k] = keys[:, k - 1] + 1 - step_by_rank[d - k + 1]
    return keys, np.where(weights > 0, weights, np.float32(0))  # rounding may leave -1e-7


def neighbours(vertices: Array, grid: Grid) -> Array:
    """Blur neighbours (d + 1, 2, M) int32 of rising keys; M where there is none (numpy form)."""
    d, count = len(grid.scale), len(vertices)
    lower = vertices + np.where(vertices % (d + 1) > 0, -1, grid.down)
    near = np.full((d + 1, 2, count), count, np.int32)
    for j, step in enumerate(grid.step):
        at = np.minimum(np.searchsorted(vertices, lower + step), count - 1)
        found = np.flatnonzero(vertices[at] == lower + step)
        near[j, 0, found] = at[found]
        near[j, 1, at[found]] = found
    return near
