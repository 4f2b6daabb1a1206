"""Anchors of a pyramid: the same boxes at every cell of a grid, level by level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class GridLevel(NamedTuple):
    """One level of a pyramid.

    Attributes:
        stride: Input pixels per cell.
        boxes: (width, height) in pixels of the anchors of a cell, in the order of the network.
        offset: Where in its cell an anchor is centred: 0.5 its middle, 0 its top left corner.
        grid: (height, width) in cells; None: as many as cover the input.
    """

    stride: float
    boxes: tuple[tuple[float, float], ...]
    offset: float = 0.5
    grid: tuple[int, int] | None = None

    def cells(self, size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) of its grid over an input of `size` (height, width)."""
        return self.grid or (math.ceil(size[0] / self.stride), math.ceil(size[1] / self.stride))


def anchor_counts(levels: Sequence[GridLevel], size: tuple[int, int]) -> tuple[int, ...]:
    """How many anchors each level has."""
    return tuple(math.prod(level.cells(size)) * len(level.boxes) for level in levels)


def anchor_grid(levels: Sequence[GridLevel], size: tuple[int, int]) -> Array:
    """(A, 4) float32: centre x, y, width, height in pixels of an input of `size` (height, width).

    Level by level, cell by cell in rows, the boxes of a cell together.
    """
    found = []
    for level in levels:
        height, width = level.cells(size)
        boxes = np.array(level.boxes, np.float64).reshape(-1, 2)
        there = np.empty((height, width, len(boxes), 4))
        there[..., 0] = ((np.arange(width) + level.offset) * level.stride)[None, :, None]
        there[..., 1] = ((np.arange(height) + level.offset) * level.stride)[:, None, None]
        there[..., 2:] = boxes
        found.append(there.reshape(-1, 4))
    return np.concatenate(found).astype(np.float32)
