"""CUDA twin of dense_crf: a plan whose launches can be captured; the CPU twin's bits.

Device memory in bytes, for N = H W pixels, L labels padded to P = 8 ceil(L / 8), M vertices of
room for the bilateral kernel (default N / 2) and S of the spatial one (about 1.2 N / sigma^2):

| what | bytes |
|---|---|
| packed logits, Q | 8 N P |
| filtered values, both kernels | 8 (M + S + 2) P |
| bilateral: offsets, weights | 48 N |
| bilateral: keys and entries to sort, twice | 144 N, and 1024 per 1024 of 6 N counts |
| bilateral: vertices (keys, neighbours, starts, ones) | 68 M |
| spatial: offsets, weights, entries; vertices | 36 N; 28 S |
| results | N L 4 for Q, or N for labels, a picture of the batch |

500 x 500, 21 labels, defaults: 48 + 30 + 12 + 36 + 9 + 9 + 1 MB, 145 MB in all; where few vertices
are used (14 000 of the 125 000 there), say so by `capacity`. Pictures of a batch are done in turn
with the same scratch. Not run on a GPU yet: executed by the emulator of tests/cuda_emulator.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edgecv.errors import ShapeError
from edgecv.ops._mean_field import LANES
from edgecv.ops.dense_crf import DenseCrf, check
from edgecv.ops.dense_crf.device_lattice import (
    SOURCE,
    THREADS,
    BilateralLattice,
    DeviceLattice,
    SpatialLattice,
)
from edgecv.ops.dense_crf.device_rows import DeviceRows

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

_PIXELS = 16  # of a block of the update kernel, eight lanes each


def default_capacity(pixels: int) -> int:
    """Vertices to make room for: half the pixels, which natural pictures stay far below.

    Small pictures have more of them for a pixel, up to six.
    """
    return min(6 * pixels, max(4096, pixels // 2))


class _Kernel:
    """One Gaussian kernel: its lattice, and two arrays of values that blurs go between."""

    def __init__(self, session: Session, lattice: DeviceLattice, width: int) -> None:
        self.lattice = lattice
        shape = (lattice.capacity + 1, width)
        self._arrays = [session.zeros(shape, "float32") for _ in range(2)]  # the last row stays 0
        self.values = self._arrays[lattice.corners % 2]  # where the last blur writes
        self._width = width
        kernels = session.kernels(SOURCE)
        self._splat = kernels.function("dense_crf_splat", "PPPPPiiP")
        self._blur = kernels.function("dense_crf_blur", "PPPiiP")

    def filter(self, stream: Stream, q: DeviceArray) -> None:
        """Splat Q and blur it into `values`."""
        lattice, width, pair = self.lattice, self._width, self._arrays
        grid, block = (math.ceil(lattice.capacity * width / THREADS),), (THREADS,)
        own = (lattice.starts, lattice.entries, lattice.weights, q, lattice.state)
        self._splat.launch(stream, grid, block, *own, lattice.corners, width, pair[0])
        for axis in range(lattice.corners):
            near = lattice.near.address + axis * 2 * lattice.capacity * 4
            where = (near, lattice.state, lattice.capacity, width)
            self._blur.launch(stream, grid, block, pair[axis % 2], *where, pair[1 - axis % 2])

    def close(self) -> None:
        for array in self._arrays:
            array.free()


class DenseCrfPlan:
    """Dense CRF of `batch` pictures on the device.

    Attributes:
        refined: (B, H, W) uint8 labels, or (B, L, H, W) float32 Q.
        state: (B, 2) int32: vertices of the bilateral lattice, and how many did not fit: not 0
            means a coarser sigma, or more `capacity`, is needed. (0, 0) without that kernel.
    """

    def __init__(
        self,
        session: Session,
        *,
        batch: int,
        shape: tuple[int, int, int],
        crf: DenseCrf,
        labels: bool = True,
        capacity: int | None = None,
    ) -> None:
        """Allocate, and upload the spatial lattice. Call inside `session.current()`.

        Args:
            session: The device.
            batch: Pictures.
            shape: (L, H, W) of the logits of one.
            crf: Parameters.
            labels: Whether labels are wanted, or Q.
            capacity: Vertices of the bilateral lattice; None: `default_capacity`.

        Raises:
            ShapeError: as `dense_crf`.
        """
        check(shape[0], shape[1:], crf)
        if batch < 1 or (capacity is not None and capacity < 1):
            raise ShapeError("a dense_crf plan needs batch and capacity >= 1", batch=batch)
        self._batch, self._crf = batch, crf
        self._rows = DeviceRows(session, batch, shape, labels=labels)
        self.refined = self._rows.refined
        self.state = session.zeros((batch, 2), "int32")
        self._spatial = self._bilateral = None
        if crf.iterations and crf.spatial_weight > 0:
            self._spatial = SpatialLattice(session, shape[1:], crf)
        if crf.iterations and crf.bilateral_weight > 0:
            room = default_capacity(self._rows.pixels) if capacity is None else capacity
            self._bilateral = BilateralLattice(session, shape[1:], crf, room)
        built = (self._spatial, self._bilateral)
        self._kernels = [_Kernel(session, b, self._rows.width) for b in built if b is not None]
        matrix, fill = crf.matrix(shape[0]), self._rows.width - shape[0]
        self._penalty = (
            None if matrix is None else session.upload(np.pad(matrix, ((0, fill), (0, fill))))
        )
        kernels = session.kernels(SOURCE)
        self._update = kernels.function("dense_crf_update", "PPPPfPPPfPiiP")
        self._copy = kernels.function("dense_crf_state", "PP")

    def enqueue(self, stream: Stream, logits: DeviceArray, images: DeviceArray) -> None:
        """Launch.

        Args:
            stream: Where.
            logits: (B, L, H, W) float32 or float16.
            images: (B, H, W, 3) uint8.
        """
        for slot in range(self._batch):
            self._rows.pack(stream, logits, slot)
            self._refine(stream, images.address, slot)
            self._rows.write(stream, slot)

    def _refine(self, stream: Stream, images: int, slot: int) -> None:
        if self._bilateral is not None:
            self._bilateral.enqueue(stream, images + slot * self._rows.pixels * 3)
            state = self.state.address + slot * 8
            self._copy.launch(stream, (1,), (2,), self._bilateral.state, state)
        self._step(stream, first=True)
        for _ in range(self._crf.iterations):
            for kernel in self._kernels:
                kernel.filter(stream, self._rows.q)
            self._step(stream, first=False)

    def _step(self, stream: Stream, *, first: bool) -> None:
        """Q from the logits, and unless it is the first, from what the kernels filtered."""
        terms: list[DeviceArray | int | float] = []
        by_corners = {kernel.lattice.corners: kernel for kernel in self._kernels}
        for corners in (3, 6):
            kernel = by_corners.get(corners)
            if first or kernel is None:
                terms += [0, 0, 0, 0.0]
            else:
                lattice = kernel.lattice
                terms += [kernel.values, lattice.offsets, lattice.weights, float(lattice.gain)]
        penalty = 0 if first or self._penalty is None else self._penalty
        rows = self._rows
        shared = _PIXELS * rows.width * 4 * (2 if penalty else 1)
        grid, block = (math.ceil(rows.pixels / _PIXELS),), (LANES, _PIXELS)
        own = (penalty, rows.pixels, rows.width, rows.q)
        self._update.launch(stream, grid, block, rows.logits, *terms, *own, shared=shared)

    def close(self) -> None:
        """Free the outputs and the workspace."""
        for part in (*self._kernels, self._spatial, self._bilateral, self._rows):
            if part is not None:
                part.close()
        for array in (self.state, self._penalty):
            if array is not None:
                array.free()
