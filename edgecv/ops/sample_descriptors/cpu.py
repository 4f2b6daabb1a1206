"""CPU twin of sample_descriptors: four gathers of all keypoints' channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops.sample_descriptors import SMALLEST

Array = npt.NDArray[Any]


def sample_descriptors(maps: Array, points: Array, rule: Array) -> Array:
    """See `edgecv.ops.sample_descriptors`; `rule` as `cell_rule` makes it."""
    depth, height, width = maps.shape
    rows = np.ascontiguousarray(maps.reshape(depth, -1).T, np.float32)  # a cell's channels together
    finite = np.isfinite(points[:, 0]) & np.isfinite(points[:, 1])
    places = np.where(finite[:, None], points, np.float32(0)) * rule[:, 0] + rule[:, 1]
    places = np.clip(places, np.float32(0), np.array([width - 1, height - 1], np.float32))
    near = np.minimum(places.astype(np.int64), np.maximum([width - 2, height - 2], 0))
    x, y = near.T
    part = places - near.astype(np.float32)
    u, v = part[:, :1], part[:, 1:]
    right, below = np.minimum(x + 1, width - 1), np.minimum(y + 1, height - 1)
    upper = _between(rows[y * width + x], rows[y * width + right], u)
    lower = _between(rows[below * width + x], rows[below * width + right], u)
    sampled = _between(upper, lower, v)
    norms = np.sqrt(np.einsum("kd,kd->k", sampled, sampled))
    sampled /= np.maximum(norms, np.float32(SMALLEST))[:, None]
    sampled[~finite] = np.nan
    return sampled


def _between(first: Array, second: Array, part: Array) -> Array:
    mixed: Array = first * (np.float32(1) - part) + second * part
    return mixed
