"""CUDA twin of label_map: labels of a batch of pictures of any size, from one launch.

Bit-equal to the CPU twin. Not run on a GPU yet: executed by the emulator of tests/cuda_emulator.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops.label_map import Sampling, check_logits

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

Array = npt.NDArray[Any]

SOURCE = Path(__file__).with_name("label_map.cu")
BLOCK_WORDS = 8  # int32 per slot of the parameter block
_TILE = (16, 64)  # output rows and columns of a thread block


class LabelMapPlan:
    """Labels of up to `batch` pictures, each of its own size up to a capacity.

    Sizes and places are read from a parameter block on the device ((batch, 8) int32, a row from
    `parameters`, zeros for a slot without a picture), so one captured graph serves every picture.

    Attributes:
        labels: (batch, capacity) uint8: the first H * W of a row are the labels, row by row.
        capacity: Pixels of the largest picture.
    """

    def __init__(
        self,
        session: Session,
        *,
        batch: int,
        scores: tuple[int, int, int],
        dtype: str = "float32",
        max_size: tuple[int, int] = (2160, 3840),
    ) -> None:
        """Allocate the labels and load the kernel. Call inside `session.current()`.

        Args:
            session: The device.
            batch: Slots.
            scores: (C, h, w) of the network's scores.
            dtype: Of the scores: float32 or float16.
            max_size: Largest (height, width) of the labels, each on its own.

        Raises:
            ShapeError: more than 256 classes, or another dtype.
        """
        check_logits(scores, dtype)
        self._batch, self._scores, self._max = batch, scores, max_size
        self.capacity = max_size[0] * max_size[1]
        self.labels = session.empty((batch, self.capacity), "uint8")
        name = "label_map_f16" if dtype == "float16" else "label_map_f32"
        self._kernel = session.kernels(SOURCE).function(name, "PPPqiii")

    def parameters(self, read: Sampling) -> Array:
        """The row of the parameter block of a picture whose labels are read so.

        Returns:
            (8,) int32.

        Raises:
            ShapeError: it is larger than `max_size`.
        """
        if read.y.length > self._max[0] or read.x.length > self._max[1]:
            raise ShapeError(
                "the picture is larger than the device runtime was prepared for",
                picture=f"{read.y.length} x {read.x.length} pixels (height x width)",
                capacity=f"{self._max[0]} x {self._max[1]}",
            )
        row = np.zeros(BLOCK_WORDS, np.int32)
        row[:2] = read.size
        row[2:6] = np.array([*read.y[1:], *read.x[1:]], np.float32).view(np.int32)
        return row

    def enqueue(self, stream: Stream, logits: DeviceArray, blocks: DeviceArray) -> None:
        """Launch: no allocation, no synchronisation, no copy.

        Args:
            stream: Where.
            logits: (batch, C, h, w) of the plan's dtype.
            blocks: (batch, 8) int32.
        """
        grid = (-(-self._max[1] // _TILE[1]), -(-self._max[0] // _TILE[0]), self._batch)
        given = (logits, blocks, self.labels, self.capacity, *self._scores)
        self._kernel.launch(stream, grid, (32, 8), *given)

    def close(self) -> None:
        """Free the labels."""
        self.labels.free()
