"""CUDA twin of label_map: labels of a batch of pictures of any size, from one launch.

Bit-equal to the CPU twin. Not run on a GPU yet: executed by the emulator of tests/cuda_emulator.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops.label_map import MAX_LABELS, Sampling, check_logits

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

Array = npt.NDArray[Any]

SOURCE = Path(__file__).with_name("label_map.cu")
BLOCK_WORDS = 8  # int32 per slot of the parameter block
_TILE = 16 * 64  # labels that a thread block makes at a time
_SPARE = (
    64  # thread blocks for tiles that a picture's edges cut; a block goes on until none is left
)


class LabelMapPlan:
    """Labels of up to `batch` pictures, each of its own size up to a capacity.

    Sizes and places are read from a parameter block on the device ((batch, 8) int32, a row from
    `parameters`, zeros for a slot without a picture), so one captured graph serves every picture.
    For pictures that letterbox placed, `enqueue_placed` makes the block on the device, from
    letterbox's: nothing more has to be uploaded.

    Attributes:
        labels: (batch, capacity) uint8: the first H * W of a row are the labels, row by row.
        capacity: Labels of the largest picture.
    """

    def __init__(
        self,
        session: Session,
        *,
        batch: int,
        scores: tuple[int, int, int],
        dtype: str = "float32",
        max_size: tuple[int, int] | None = None,
    ) -> None:
        """Allocate the labels and load the kernel. Call inside `session.current()`.

        Args:
            session: The device.
            batch: Slots.
            scores: (C, h, w) of the network's scores.
            dtype: Of the scores: float32 or float16.
            max_size: Largest (height, width) of the labels, each on its own; None: any grid of
                `grid_of`, up to MAX_LABELS labels.

        Raises:
            ShapeError: more than 256 classes, or another dtype.
        """
        check_logits(scores, dtype)
        self._batch, self._scores, self._max = batch, scores, max_size
        self.capacity = max_size[0] * max_size[1] if max_size else MAX_LABELS
        self.labels = session.empty((batch, self.capacity), "uint8")
        self._blocks = session.zeros((batch, BLOCK_WORDS), "int32")
        name = "label_map_f16" if dtype == "float16" else "label_map_f32"
        kernels = session.kernels(SOURCE)
        self._kernel = kernels.function(name, "PPPqiii")
        self._place = kernels.function("label_map_place", "PiPiiiiiii")

    def parameters(self, read: Sampling) -> Array:
        """The row of the parameter block of a picture whose labels are read so.

        Returns:
            (8,) int32.

        Raises:
            ShapeError: it is larger than `max_size`.
        """
        most = self._max or read.size
        fits = read.y.length <= most[0] and read.x.length <= most[1]
        if not fits or read.y.length * read.x.length > self.capacity:
            raise ShapeError(
                "the picture is larger than the device runtime was prepared for",
                labels=f"{read.y.length} x {read.x.length} (height x width)",
                capacity=f"{most[0]} x {most[1]}" if self._max else f"{self.capacity} labels",
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
        tiles = -(-self.capacity // _TILE) + _SPARE
        given = (logits, blocks, self.labels, self.capacity, *self._scores)
        self._kernel.launch(stream, (tiles, 1, self._batch), (32, 8), *given)

    def enqueue_placed(
        self,
        stream: Stream,
        logits: DeviceArray,
        frames: DeviceArray,
        input_size: tuple[int, int],
        *,
        align_corners: bool = False,
    ) -> None:
        """The labels of pictures that letterbox placed, on the grid of `grid_of`; launches only.

        Args:
            stream: Where.
            logits: (batch, C, h, w) of the plan's dtype.
            frames: Letterbox's parameter block, (batch, 32) int32.
            input_size: (height, width) of the network's input.
            align_corners: As for `sampling`.
        """
        words, threads = frames.shape[-1], 32
        grid = (-(-self._batch // threads),)
        size = (*input_size, *self._scores[1:], int(align_corners))
        given = (frames, words, self._blocks, self._batch, MAX_LABELS, *size)
        self._place.launch(stream, grid, (threads,), *given)
        self.enqueue(stream, logits, self._blocks)

    def close(self) -> None:
        """Free the labels."""
        self.labels.free()
        self._blocks.free()
