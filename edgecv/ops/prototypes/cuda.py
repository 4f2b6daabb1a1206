"""CUDA plan of prototypes; see `edgecv.ops.prototypes` for what it computes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edgecv.errors import ShapeError

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("prototypes.cu")
MOST = 1024  # PROTOTYPES_MOST
_THREADS = 128


class CropLayout(NamedTuple):
    """How maps and crops are stored.

    Attributes:
        input_size: (height, width) of the network's input, whose pixels the boxes are in.
        channels_last: Whether the maps are (B, h, w, k).
        room: Cells of all crops of an image; 0: a quarter of what the whole maps would take.
        dtype: Of the crops: "float32" or "float16".
    """

    input_size: tuple[int, int]
    channels_last: bool = False
    room: int = 0
    dtype: str = "float32"


class PrototypesPlan:
    """Soft masks of `capacity` instances an image, one crop after another in one array.

    Attributes:
        soft: (B, room) float32 or float16: the cells of all crops of an image.
        places: (B, N, 3) int32: a crop's first cell in `soft` as a whole, its height, its width
            (0 by 0 where there is none).
        cells: (B, N, 4) int32 xyxy: the cells of the maps it covers.
        dropped: (B,) int32: instances without a crop because `room` was full. Crops are placed in
            the order of the instances; a later one that still fits is kept.
    """

    def __init__(
        self,
        session: Session,
        maps: DeviceArray,
        capacity: int,
        layout: CropLayout,
    ) -> None:
        """Allocate the outputs.

        Args:
            session: The device.
            maps: (B, k, h, w) or (B, h, w, k), float32 or float16; only shape and dtype are read.
            capacity: Instances an image, at most MOST.
            layout: What maps and boxes are, and what the crops are to be.

        Raises:
            ShapeError: too many instances or elements.
        """
        batch, k, height, width = maps.shape
        strides = (height * width, width, 1)
        if layout.channels_last:
            batch, height, width, k = maps.shape
            strides = (1, width * k, k)
        whole = capacity * (height + 2) * (width + 2)
        room = layout.room or max(whole // 4, (height + 2) * (width + 2))
        if not 1 <= capacity <= MOST or batch * room >= 2**31 or k * height * width >= 2**31:
            raise ShapeError("prototypes cannot take so many cells", maps=maps.shape, n=capacity)
        self.soft = session.empty((batch, room), layout.dtype)
        self.places = session.empty((batch, capacity, 3), "int32")
        self.cells = session.empty((batch, capacity, 4), "int32")
        self.dropped = session.empty((batch,), "int32")
        kernels = session.kernels(SOURCE)
        self._place = kernels.function("prototypes_places", "PPPPPiiiffi")
        name = f"prototypes_{_short(maps.dtype)}_{_short(self.soft.dtype)}"
        self._sum = kernels.function(name, "PPPPPiiiiiii")
        scales = (width / layout.input_size[1], height / layout.input_size[0])
        self._place_numbers = (capacity, height, width, *scales, room)
        self._sum_numbers = (capacity, k, height, width, *strides)
        self._batch = batch
        self._grid = (-(-(height + 2) * (width + 2) // _THREADS), capacity, batch)

    def enqueue(
        self,
        stream: Stream,
        maps: DeviceArray,
        coefficients: DeviceArray,
        boxes: DeviceArray,
        count: DeviceArray,
    ) -> None:
        """Compute the masks of the first `count` instances of each image.

        Args:
            stream: Where to launch.
            maps: As at construction.
            coefficients: (B, capacity, k) float32.
            boxes: (B, capacity, 4) float32 xyxy in input pixels.
            count: (B,) int32.
        """
        placed = (self.places, self.cells)
        self._place.launch(
            stream, (self._batch,), (_THREADS,), boxes, count, *placed, self.dropped,
            *self._place_numbers,
        )  # fmt: skip
        arrays = (maps, coefficients, *placed, self.soft)
        self._sum.launch(stream, self._grid, (_THREADS,), *arrays, *self._sum_numbers)

    def close(self) -> None:
        """Free what the plan allocated."""
        for array in (self.soft, self.places, self.cells, self.dropped):
            array.free()


def _short(dtype: np.dtype | str) -> str:
    return {"float32": "f32", "float16": "f16"}[np.dtype(dtype).name]
