"""CPU twin of prototypes: one small matrix product per box."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def prototypes(maps: Array, coefficients: Array, boxes: Array) -> tuple[tuple[Array, ...], Array]:
    """See `edgecv.ops.prototypes`; the arguments are checked there."""
    cells = covered(boxes, maps.shape[1:])
    masks = []
    for weights, (x0, y0, x1, y1) in zip(coefficients, cells, strict=True):
        rows = np.clip(np.arange(y0, y1), 0, maps.shape[1] - 1)
        columns = np.clip(np.arange(x0, x1), 0, maps.shape[2] - 1)
        part = maps[:, rows[:, None], columns]
        logits = weights @ part.reshape(len(maps), -1)
        with np.errstate(over="ignore"):
            soft = np.float32(1) / (np.float32(1) + np.exp(-logits))
        masks.append(soft.reshape(len(rows), len(columns)))
    return tuple(masks), cells


def covered(boxes: Array, shape: tuple[int, ...]) -> Array:
    """(N, 4) int64 xyxy: the cells each box is interpolated from; all zero for one without area."""
    height, width = shape
    limit = np.array([width, height, width, height], np.float32)
    usable = np.asarray(np.isfinite(boxes).all(axis=1)) & (height > 0) & (width > 0)
    inside = np.clip(np.where(usable[:, None], boxes, np.float32(0)), np.float32(0), limit)
    usable &= (inside[:, 2] > inside[:, 0]) & (inside[:, 3] > inside[:, 1])
    cells = np.floor(inside - np.float32(0.5)).astype(np.int64)
    cells[:, 2:] += 2
    return cells * usable[:, None]
