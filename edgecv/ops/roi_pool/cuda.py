"""CUDA plan of roi_pool; see `edgecv.ops.roi_pool` for what it computes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecv.errors import ShapeError
from edgecv.ops.roi_pool import RoiBins

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("roi_pool.cu")
_THREADS = 128


class RoiPoolPlan:
    """Pools `capacity` boxes an image from (B, C, h, w) features.

    Attributes:
        pooled: (B, capacity, C, *bins.size) of the features' dtype; zeros from an image's count on.
    """

    def __init__(
        self, session: Session, feature: DeviceArray, bins: RoiBins, capacity: int
    ) -> None:
        """Allocate the output.

        Args:
            session: The device.
            feature: (B, C, h, w) float32 or float16; only shape and dtype are read here.
            bins: Output grid and scale.
            capacity: Boxes an image.

        Raises:
            ShapeError: the features have another rank or dtype.
        """
        short = {"float32": "f32", "float16": "f16"}.get(np.dtype(feature.dtype).name)
        if len(feature.shape) != 4 or short is None:
            raise ShapeError(
                "features must be (B, C, h, w) float32 or float16",
                got=f"{feature.shape} {feature.dtype}",
            )
        batch, channels, height, width = feature.shape
        self.pooled = session.empty((batch, capacity, channels, *bins.size), feature.dtype)
        self._kernel = session.kernels(SOURCE).function(f"roi_pool_{short}", "PPPPiiiiiif")
        self._grid = (bins.size[0], capacity, batch)
        self._numbers = (capacity, channels, height, width, *bins.size, bins.scale)

    def enqueue(
        self, stream: Stream, feature: DeviceArray, boxes: DeviceArray, count: DeviceArray
    ) -> None:
        """Pool the first `count` boxes of each image.

        Args:
            stream: Where to launch.
            feature: As at construction.
            boxes: (B, capacity, 4) float32 xyxy in input pixels.
            count: (B,) int32.
        """
        arrays = (feature, boxes, count, self.pooled)
        self._kernel.launch(stream, self._grid, (_THREADS,), *arrays, *self._numbers)

    def close(self) -> None:
        """Free what the plan allocated."""
        self.pooled.free()
