"""CUDA plan of mask_paste; see `edgecv.ops.mask_paste` for what it computes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecv.errors import ShapeError

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("mask_paste.cu")
_ROWS = 4


@dataclass(frozen=True)
class SoftMasks:
    """Where the small masks of a batch lie on the device.

    Attributes:
        cells: All masks one after another, float32 or float16.
        places: (B, N, 3) int32: first cell, height, width of each.
        regions: (B, N, 4) float32 xyxy in picture pixels.
        boxes: (B, N, 4) float32 xyxy in picture pixels.
        count: (B,) int32 instances an image.
    """

    cells: DeviceArray
    places: DeviceArray
    regions: DeviceArray
    boxes: DeviceArray
    count: DeviceArray


class MaskPastePlan:
    """Pastes the masks of `batch` pictures of at most `size` pixels.

    Attributes:
        pasted: (B, N, H, ceil(W / 32)) uint32, bit i of a word its i-th pixel from the left (as
            `numpy.packbits(bitorder="little")` on the rows), or (B, N, H, W) uint8 of 0 and 1;
            (H, W) is the plan's `size`, zero beyond a smaller picture.
    """

    def __init__(
        self,
        session: Session,
        *,
        shape: tuple[int, int],
        size: tuple[int, int],
        dtype: str = "float32",
        packed: bool = True,
        threshold: float = 0.5,
    ) -> None:
        """Allocate the output.

        Args:
            session: The device.
            shape: (images, instances an image).
            size: (height, width) of the largest picture.
            dtype: Of the masks: "float32" or "float16".
            packed: One bit a pixel; else one byte.
            threshold: In the unit of the masks.

        Raises:
            ShapeError: a dimension that is not positive, or more than CUDA's grid takes.
        """
        batch, capacity = shape
        if min(*shape, *size) < 1 or batch * capacity > 65535 or size[0] > 4 * 65535:
            raise ShapeError("mask_paste cannot take these sizes", shape=shape, size=size)
        columns = -(-size[1] // 32) if packed else size[1]
        self.pasted = session.empty((*shape, size[0], columns), "uint32" if packed else "uint8")
        short = {"float32": "f32", "float16": "f16"}[np.dtype(dtype).name]
        name = f"mask_paste_{'bits' if packed else 'bytes'}_{short}"
        self._kernel = session.kernels(SOURCE).function(name, "PPPPPPPiiif")
        self._grid = (-(-columns // 32), -(-size[0] // _ROWS), batch * capacity)
        self._numbers = (capacity, size[0], columns, threshold)

    def enqueue(self, stream: Stream, masks: SoftMasks, sizes: DeviceArray) -> None:
        """Paste.

        Args:
            stream: Where to launch.
            masks: The small masks.
            sizes: (B, 2) int32 height and width of each picture, at most the plan's.
        """
        arrays = (masks.cells, masks.places, masks.regions, masks.boxes, masks.count, sizes)
        self._kernel.launch(stream, self._grid, (32, _ROWS), *arrays, self.pasted, *self._numbers)

    def close(self) -> None:
        """Free what the plan allocated."""
        self.pasted.free()
