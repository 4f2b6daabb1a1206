"""CUDA twin of colorize: label maps painted where they lie.

Bit-equal to the CPU twin. Not run on a GPU yet: executed by the emulator of tests/cuda_emulator.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from edgecv.ops.colorize import check_paint

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

Array = npt.NDArray[Any]

SOURCE = Path(__file__).with_name("colorize.cu")
_THREADS = 256


class ColorizePlan:
    """Painted pictures of what a `LabelMapPlan` leaves.

    Attributes:
        out: (batch, capacity * 3) uint8: the first H * W * 3 of a row are the picture.
    """

    def __init__(self, session: Session, *, batch: int, capacity: int, paint: Array) -> None:
        """Allocate and upload the palette. Call inside `session.current()`.

        Args:
            session: The device.
            batch: Slots.
            capacity: Pixels of the largest picture, the `capacity` of the label map's plan.
            paint: (256, 4) int32, see `colorize`.

        Raises:
            ShapeError: a wrong palette.
        """
        check_paint(paint)
        self._batch, self._capacity = batch, capacity
        self._paint = session.upload(paint)
        self.out = session.empty((batch, capacity * 3), "uint8")
        self._kernel = session.kernels(SOURCE).function("colorize_blend", "PqPPPqiP")

    def enqueue(
        self,
        stream: Stream,
        labels: DeviceArray,
        blocks: DeviceArray,
        pictures: DeviceArray | None = None,
        pitch: int = 0,
    ) -> None:
        """Launch: no allocation, no synchronisation, no copy.

        Args:
            stream: Where.
            labels: (batch, capacity) uint8, from `LabelMapPlan`.
            blocks: Its parameter block, (batch, 8) int32: the sizes.
            pictures: (batch, n) uint8, each picture at the start of its row; none: black.
            pitch: Bytes from row to row of a picture; 0: no padding.
        """
        grid = (-(-self._capacity // _THREADS), 1, self._batch)
        source = 0 if pictures is None else pictures
        step = 0 if pictures is None else pictures.nbytes // self._batch
        given = (labels, self._capacity, blocks, self._paint, source, step, pitch, self.out)
        self._kernel.launch(stream, grid, (_THREADS,), *given)

    def close(self) -> None:
        """Free what was allocated."""
        self._paint.free()
        self.out.free()
