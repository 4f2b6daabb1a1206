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
from edgecv.ops._mean_field import LANES
from edgecv.ops.conv_crf import ConvCrf, cells_of, check, enlarge_table
from edgecv.ops.dense_crf.device_lattice import THREADS
from edgecv.ops.dense_crf.device_rows import DeviceRows

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("conv_crf.cu")
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
        self._batch, self._size, self._crf = batch, shape[1:], crf
        self._rows = DeviceRows(session, batch, shape, labels=labels)
        self.refined = self._rows.refined
        grid = self._grid = cells_of(shape[1:], crf.blur)
        self._cells = grid.height * grid.width
        cells = (self._cells, self._rows.width)
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
        own = session.kernels(SOURCE)
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
        for slot in range(self._batch):
            self._rows.pack(stream, logits, slot)
            self._refine(stream, images.address + slot * self._rows.pixels * 3)
            self._rows.write(stream, slot)

    def _refine(self, stream: Stream, image: int) -> None:
        if not self._crf.iterations:
            self._step(stream, 0)
            return
        self._prepare(stream, image)
        source = self._rows.logits
        for _ in range(self._crf.iterations):
            self._message(stream, source)
            self._step(stream, self._heard)
            source = self._rows.q

    def _prepare(self, stream: Stream, image: int) -> None:
        """The weights of the windows of one picture."""
        crf, grid, size = self._crf, self._grid, self._size
        blocks, block = (math.ceil(self._cells / THREADS),), (THREADS,)
        cells = (crf.blur, grid.top, grid.left, grid.height, grid.width)
        sigmas = (crf.spatial_sigma, crf.color_sigma)
        self._average.launch(stream, blocks, block, image, *sigmas, *size, *cells, self._features)
        side, kinds = crf.filter_size, (crf.spatial_weight, crf.color_weight)
        own = (self._features, grid.height, grid.width, side, *kinds, self._weights)
        self._weigh.launch(stream, (*blocks, side * side), block, *own)

    def _message(self, stream: Stream, source: DeviceArray) -> None:
        """Pool (N, P) rows and sum them over the windows."""
        grid, side, width = self._grid, self._crf.filter_size, self._rows.width
        blocks, block = (math.ceil(self._cells * width / THREADS),), (THREADS,)
        cells = (self._crf.blur, grid.top, grid.left, grid.height, grid.width)
        self._pool.launch(stream, blocks, block, source, *self._size, width, *cells, self._pooled)
        tiles = (math.ceil(grid.width / _TILE), math.ceil(grid.height / _TILE), width // LANES)
        shared = (_TILE + side - 1) ** 2 * LANES * 4
        own = (self._pooled, self._weights, grid.height, grid.width, side, width, self._heard)
        self._listen.launch(stream, tiles, (LANES, 32), *own, shared=shared)

    def _step(self, stream: Stream, heard: DeviceArray | int) -> None:
        rows = self._rows
        grid, block = (math.ceil(rows.pixels / _PIXELS),), (LANES, _PIXELS)
        size = (*self._size, self._grid.width, self._crf.rate, rows.width)
        own = (rows.logits, heard, self._pair, self._share, *size, rows.q)
        self._update.launch(stream, grid, block, *own, shared=_PIXELS * rows.width * 4)

    def close(self) -> None:
        """Free the outputs and the workspace."""
        self._rows.close()
        for array in (
            self._pooled, self._heard, self._features, self._weights, self._pair, self._share
        ):  # fmt: skip
            array.free()
