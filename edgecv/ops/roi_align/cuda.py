"""CUDA plan of roi_align; see `edgecv.ops.roi_align` for what it computes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecv.errors import ShapeError
from edgecv.ops.roi_align import MAX_LEVELS, MAX_SAMPLES, RoiGrid

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("roi_align.cu")
_THREADS = 256
_TAP = 16  # bytes of a RoiAlignTap


class RoiAlignPlan:
    """Pools `capacity` boxes an image from the maps of one batch, all levels in one launch.

    Maps are read by strides: (B, C, h, w) as engines write them by default, or (B, h, w, C), which
    is what fp16 and int8 tensor cores compute in and reads in whole lines; then a thread's
    neighbour is the next channel.

    Attributes:
        pooled: (B, capacity, C, *grid.size) of the asked dtype; zeros from an image's count on.
    """

    def __init__(
        self,
        session: Session,
        features: Sequence[DeviceArray],
        grid: RoiGrid,
        capacity: int,
        *,
        channels_last: bool = False,
        dtype: str = "float32",
    ) -> None:
        """Allocate the output and the table of levels.

        Args:
            session: The device.
            features: One array per level, (B, C, h, w) or (B, h, w, C), float32 or float16; only
                shapes and dtypes are read here.
            grid: Output grid, scales and sampling.
            capacity: Boxes an image.
            channels_last: Whether the maps are (B, h, w, C).
            dtype: Of `pooled`: "float32" or "float16", what the next engine takes.

        Raises:
            ShapeError: maps that do not belong together, or one too large for 32-bit strides.
        """
        levels = [_level(array.shape, channels_last) for array in features]
        first = features[0]
        batch, channels = first.shape[0], first.shape[3 if channels_last else 1]
        together = all(array.dtype == first.dtype for array in features)
        if len(levels) != len(grid.scales) or not together:
            raise ShapeError(
                "roi_align needs one map of one dtype per scale",
                got=", ".join(f"{array.shape} {array.dtype}" for array in features),
                scales=grid.scales,
            )
        if max(level[5] for level in levels) * batch >= 2**31:
            raise ShapeError("a map has too many elements", got=first.shape, limit=2**31 - 1)
        shape = [len(levels), capacity, channels, *grid.size, grid.sampling, int(grid.aligned), 0]
        table = np.concatenate([shape, *levels])
        self._table = session.upload(table.astype(np.int32))
        self._numbers = session.upload(
            np.concatenate([np.array(grid.scales, np.float32), grid.limits])
        )
        self.pooled = session.empty((batch, capacity, channels, *grid.size), dtype)
        name = f"roi_align_{_short(first.dtype)}_{_short(self.pooled.dtype)}"
        self._kernel = session.kernels(SOURCE).function(name, "P" * 10)
        self._grid = (grid.size[0], capacity, batch)
        self._shared = (grid.size[1] + 1) * (grid.sampling or MAX_SAMPLES) * _TAP

    def enqueue(
        self,
        stream: Stream,
        features: Sequence[DeviceArray],
        boxes: DeviceArray,
        count: DeviceArray,
    ) -> None:
        """Pool the first `count` boxes of each image.

        Args:
            stream: Where to launch.
            features: As at construction.
            boxes: (B, capacity, 4) float32 xyxy in input pixels.
            count: (B,) int32.
        """
        maps = [*features, *[features[0]] * (MAX_LEVELS - len(features))]
        arguments = (*maps, self._table, self._numbers, boxes, count, self.pooled)
        self._kernel.launch(stream, self._grid, (_THREADS,), *arguments, shared=self._shared)

    def close(self) -> None:
        """Free what the plan allocated."""
        for array in (self.pooled, self._table, self._numbers):
            array.free()


def _level(shape: tuple[int, ...], channels_last: bool) -> list[int]:
    """Height, width, strides of channel, row and column, elements of an image."""
    if channels_last:
        _, height, width, channels = shape
        strides = [1, width * channels, channels]
    else:
        _, channels, height, width = shape
        strides = [height * width, width, 1]
    return [height, width, *strides, height * width * channels]


def _short(dtype: np.dtype | str) -> str:
    return {"float32": "f32", "float16": "f16"}[np.dtype(dtype).name]
