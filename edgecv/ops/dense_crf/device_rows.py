"""Rows of labels on the device: logits are packed into them, labels or Q come out of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgecv.ops._mean_field import padded
from edgecv.ops._op import SUFFIX
from edgecv.ops.dense_crf.device_lattice import SOURCE, THREADS

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream


class DeviceRows:
    """What one picture of a batch is computed in, and what the whole batch came to.

    Attributes:
        pixels: N = H W.
        width: P, the labels of a row with their padding.
        logits: (N, P) float32, a pixel's largest is 0.
        q: (N, P) float32 distributions.
        refined: (B, H, W) uint8 labels, or (B, L, H, W) float32 Q.
    """

    def __init__(
        self, session: Session, batch: int, shape: tuple[int, int, int], *, labels: bool
    ) -> None:
        """Allocate for `batch` pictures of (L, H, W) logits; `labels`: those are wanted, not Q."""
        self.pixels, self.width = shape[1] * shape[2], padded(shape[0])
        rows = (self.pixels, self.width)
        self.logits, self.q = session.empty(rows, "float32"), session.empty(rows, "float32")
        out = (batch, *shape[1:]) if labels else (batch, *shape)
        self.refined = session.empty(out, "uint8" if labels else "float32")
        self._batch, self._count, self._labels = batch, shape[0], labels
        kernels = session.kernels(SOURCE)
        self._pack = {
            dtype: kernels.function(f"dense_crf_pack{suffix}", "PPiii")
            for dtype, suffix in SUFFIX.items()
        }
        self._write_labels = kernels.function("dense_crf_labels", "PiiiP")
        self._write_q = kernels.function("dense_crf_unpack", "PiiP")
        self._grid = (math.ceil(self.pixels / THREADS),)

    def pack(self, stream: Stream, logits: DeviceArray, slot: int) -> None:
        """Put picture `slot` of (B, L, H, W) float32 or float16 logits into the rows."""
        source = logits.address + slot * logits.nbytes // self._batch
        own = (self.logits, self._count, self.pixels, self.width)
        self._pack[str(logits.dtype)].launch(stream, self._grid, (THREADS,), source, *own)

    def write(self, stream: Stream, slot: int) -> None:
        """Put labels or Q of the picture in the rows into `refined`."""
        out = self.refined.address + slot * self.refined.nbytes // self._batch
        size = (self.pixels, self.width)
        if self._labels:
            own = (self.q, self._count, *size, out)
            self._write_labels.launch(stream, self._grid, (THREADS,), *own)
        else:
            grid = (*self._grid, self._count)
            self._write_q.launch(stream, grid, (THREADS,), self.q, *size, out)

    def close(self) -> None:
        """Free everything."""
        for array in (self.logits, self.q, self.refined):
            array.free()
