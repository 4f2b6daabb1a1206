"""CUDA twin of conv_crf: a plan whose launches can be captured; the CPU twin's bits.

Device memory in bytes, for N = H W pixels, n = N / blur^2 cells, L labels padded to
P = 8 ceil(L / 8), a window of k x k:

| what | bytes |
|---|---|
| packed logits, Q | 8 N P |
| cells and messages | 8 n P |
| weights of the window, features | 4 k^2 n + 20 n |
| tables | 12 (H + W) |
| results | 4 N L for Q, or N for labels, a picture of the batch |

500 x 500, 21 labels, defaults: 48 + 3 + 8 + 0 + 0.25 MB (the reference's product of window,
labels and cells alone is 159 MB). Pictures of a batch are done in turn with the same scratch. Not
run on a GPU yet: executed by the emulator of tests/cuda_emulator.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecv.errors import ShapeError
from edgecv.ops.conv_crf import ConvCrf, cells_of, check, enlarge_table
from edgecv.ops.dense_crf import LANES, padded
from edgecv.ops.dense_crf.device_lattice import SOURCE as DENSE_SOURCE
from edgecv.ops.dense_crf.device_lattice import THREADS

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("conv_crf.cu")
_SUFFIX = {"float32": "_f32", "float16": "_f16"}
_PIXELS, _TILE = 16, 16  # of a block of the update kernel; side of a tile of the messages kernel


class ConvCrfPlan:
    """Convolutional CRF of `batch` pictures on the device.

    Attributes:
        refined: (B, H, W) uint8 labels, or (B, L, H, W) float32 Q.
    """

    def __init__(
        self,
        session: Session,
        *,
        batch: int,
        shape: tuple[int, int, int],
        crf: ConvCrf,
        labels: bool = True,
    ) -> None:
        """Allocate. Call inside `session.current()`.

        Args:
            session: The device.
            batch: Pictures.
            shape: (L, H, W) of the logits of one.
            crf: Parameters.
            labels: Whether labels are wanted, or Q.

        Raises:
            ShapeError: as `conv_crf`.
        """
        check(shape[0], shape[1:], crf)
        if batch < 1:
            raise ShapeError("a conv_crf plan needs batch >= 1", batch=batch)
        self._batch, self._shape, self._crf, self._labels = batch, shape, crf, labels
        self._pixels, self._width = shape[1] * shape[2], padded(shape[0])
        grid = self._grid = cells_of(shape[1:], crf.blur)
        self._cells = grid.height * grid.width
        rows, cells = (self._pixels, self._width), (self._cells, self._width)
        self._rows, self._q = session.empty(rows, "float32"), session.empty(rows, "float32")
        self._pooled, self._heard = session.empty(cells, "float32"), session.empty(cells, "float32")
        taps = crf.filter_size**2
        self._features = session.empty((5, self._cells), "float32")
        self._weights = session.empty((taps, self._cells), "float32")
        tables = (
            enlarge_table(shape[1], grid.height, grid.top, crf.blur),
            enlarge_table(shape[2], grid.width, grid.left, crf.blur),
        )
        self._pair = session.upload(np.concatenate([pair for pair, _ in tables]))
        self._share = session.upload(np.concatenate([share for _, share in tables]))
        out = (batch, *shape[1:]) if labels else (batch, *shape)
        self.refined = session.empty(out, "uint8" if labels else "float32")
        self._load(session)

    def _load(self, session: Session) -> None:
        shared, own = session.kernels(DENSE_SOURCE), session.kernels(SOURCE)
        self._pack = {
            dtype: shared.function(f"dense_crf_pack{suffix}", "PPiii")
            for dtype, suffix in _SUFFIX.items()
        }
        self._write_labels = shared.function("dense_crf_labels", "PiiiP")
        self._write_q = shared.function("dense_crf_unpack", "PiiP")
        self._average = own.function("conv_crf_features", "PffiiiiiiiP")
        self._weigh = own.function("conv_crf_weights", "PiiiffP")
        self._pool = own.function("conv_crf_pool", "PiiiiiiiiP")
        self._listen = own.function("conv_crf_messages", "PPiiiiP")
        self._update = own.function("conv_crf_update", "PPPPiiifiP")

    def enqueue(self, stream: Stream, logits: DeviceArray, images: DeviceArray) -> None:
        """Launch.

        Args:
            stream: Where.
            logits: (B, L, H, W) float32 or float16.
            images: (B, H, W, 3) uint8.
        """
        labels, pixels, width = self._shape[0], self._pixels, self._width
        grid, block = (math.ceil(pixels / THREADS),), (THREADS,)
        pack = self._pack[str(logits.dtype)]
        for slot in range(self._batch):
            scores = logits.address + slot * logits.nbytes // self._batch
            pack.launch(stream, grid, block, scores, self._rows, labels, pixels, width)
            if self._crf.iterations:
                self._prepare(stream, images.address + slot * pixels * 3)
                source = self._rows
                for _ in range(self._crf.iterations):
                    self._message(stream, source)
                    self._step(stream, self._heard)
                    source = self._q
            else:
                self._step(stream, 0)
            out = self.refined.address + slot * self.refined.nbytes // self._batch
            if self._labels:
                self._write_labels.launch(stream, grid, block, self._q, labels, pixels, width, out)
            else:
                self._write_q.launch(stream, (*grid, labels), block, self._q, pixels, width, out)

    def _prepare(self, stream: Stream, image: int) -> None:
        """The weights of the windows of one picture."""
        crf, grid, size = self._crf, self._grid, self._shape[1:]
        blocks, block = (math.ceil(self._cells / THREADS),), (THREADS,)
        cells = (crf.blur, grid.top, grid.left, grid.height, grid.width)
        sigmas = (crf.spatial_sigma, crf.color_sigma)
        self._average.launch(stream, blocks, block, image, *sigmas, *size, *cells, self._features)
        side, kinds = crf.filter_size, (crf.spatial_weight, crf.color_weight)
        own = (self._features, grid.height, grid.width, side, *kinds, self._weights)
        self._weigh.launch(stream, (*blocks, side * side), block, *own)

    def _message(self, stream: Stream, source: DeviceArray) -> None:
        """Pool (N, P) rows and sum them over the windows."""
        grid, side, width = self._grid, self._crf.filter_size, self._width
        blocks, block = (math.ceil(self._cells * width / THREADS),), (THREADS,)
        cells = (self._crf.blur, grid.top, grid.left, grid.height, grid.width)
        self._pool.launch(
            stream, blocks, block, source, *self._shape[1:], width, *cells, self._pooled
        )
        tiles = (math.ceil(grid.width / _TILE), math.ceil(grid.height / _TILE), width // LANES)
        shared = (_TILE + side - 1) ** 2 * LANES * 4
        own = (self._pooled, self._weights, grid.height, grid.width, side, width, self._heard)
        self._listen.launch(stream, tiles, (LANES, 32), *own, shared=shared)

    def _step(self, stream: Stream, heard: DeviceArray | int) -> None:
        grid, block = (math.ceil(self._pixels / _PIXELS),), (LANES, _PIXELS)
        size = (*self._shape[1:], self._grid.width, self._crf.rate, self._width)
        own = (self._rows, heard, self._pair, self._share, *size, self._q)
        self._update.launch(stream, grid, block, *own, shared=_PIXELS * self._width * 4)

    def close(self) -> None:
        """Free the outputs and the workspace."""
        for array in (
            self._rows, self._q, self._pooled, self._heard, self._features, self._weights,
            self._pair, self._share, self.refined,
        ):  # fmt: skip
            array.free()
