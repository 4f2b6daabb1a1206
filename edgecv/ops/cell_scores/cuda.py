"""CUDA twin of cell_scores: one kernel, a thread a cell.

Not run on a GPU yet: executed on the CPU by the emulator of tests/cuda_emulator.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.errors import ShapeError
from edgecv.ops.cell_scores import cell_side

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("cell_scores.cu")
SOURCES = (SOURCE,)
_THREADS = 64  # 4800 cells of a 480 x 640 picture: small blocks reach all multiprocessors


class CellScoresPlan:
    """Scores of pixels from logits of cells: `edgecv.ops.cell_scores` on the device.

    Attributes:
        scores: (B, h * s, w * s) float32.
    """

    def __init__(self, session: Session, *, batch: int, shape: tuple[int, int, int]) -> None:
        """Allocate for `batch` images of logits of `shape` (s * s + 1, h, w).

        Raises:
            ShapeError: a size below 1, or channels that are no square and a dustbin.
        """
        if min(batch, *shape) < 1:
            raise ShapeError("a plan of cells needs images and cells", got=f"{batch} of {shape}")
        channels, height, width = shape
        side = cell_side(channels)
        self._form = (side, height, width)
        self._grid = (math.ceil(height * width / _THREADS), batch)
        self.scores = session.empty((batch, height * side, width * side), "float32")
        loaded = session.kernels(SOURCE)
        self._kernels = {
            "float32": loaded.function("cell_scores_f32", "PiiiP"),
            "float16": loaded.function("cell_scores_f16", "PiiiP"),
        }

    def enqueue(self, stream: Stream, logits: DeviceArray) -> None:
        """Launch on logits (B, s * s + 1, h, w), float32 or float16."""
        kernel = self._kernels[str(logits.dtype)]
        kernel.launch(stream, self._grid, (_THREADS,), logits, *self._form, self.scores)

    def close(self) -> None:
        """Free the output."""
        self.scores.free()
