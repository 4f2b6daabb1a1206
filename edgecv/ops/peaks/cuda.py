"""CUDA twin of peaks: cells are judged inside the kernels that select the best of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.errors import ShapeError
from edgecv.ops.topk.cuda import SOURCE as TOPK_SOURCE
from edgecv.ops.topk.cuda import Selection

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("peaks.cu")
SOURCES = (SOURCE, TOPK_SOURCE)


class PeaksPlan:
    """The k highest peaks of each image's maps: `edgecv.ops.peaks` on the device.

    Attributes:
        index: (B, k) int32 into an image's C * h * w cells, highest first; -1 beyond `kept`.
        value: (B, k) float32 their scores; -inf beyond `kept`.
        kept: (B,) int32, how many of the k are real.
        total: (B,) int32, how many peaks there were: total - kept did not fit.
        threshold: (1,) float32, read by the kernels: upload another one between two frames.
    """

    def __init__(
        self, session: Session, *, batch: int, shape: tuple[int, int, int], k: int, threshold: float
    ) -> None:
        """Allocate for `batch` images of maps of `shape` (C, h, w); inside `session.current()`.

        Raises:
            ShapeError: a size below 1.
            ValueError: the threshold is NaN.
        """
        if min(batch, k, *shape) < 1:
            raise ShapeError("a peaks plan needs maps, images and k >= 1", got=f"{shape}", k=k)
        if math.isnan(threshold):
            raise ValueError("the threshold is not a number")
        own = ("peaks", session.kernels(SOURCE), "Piii")
        n = math.prod(shape)
        self._layout = (shape[1], shape[2], n)
        found = self._selection = Selection(session, own, (batch, n, k), threshold)
        self.index, self.value, self.kept = found.index, found.value, found.kept
        self.total, self.threshold = found.total, found.threshold

    def enqueue(self, stream: Stream, maps: DeviceArray) -> None:
        """Launch on maps (B, C, h, w), float32 or float16."""
        self._selection.enqueue(stream, str(maps.dtype), (maps, *self._layout), None)

    def close(self) -> None:
        """Free the outputs and the workspace."""
        self._selection.close()
