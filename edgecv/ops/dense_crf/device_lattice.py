"""Lattices in device memory: the spatial one from the host, the bilateral one for each picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from edgecv.errors import ShapeError
from edgecv.ops.dense_crf import DenseCrf
from edgecv.ops.dense_crf.cpu import spatial_lattice
from edgecv.ops.dense_crf.lattice import bilateral_grid, spatial_grid

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("dense_crf.cu")
THREADS = 256
_TILE = 1024  # RADIX_TILE of sort.cuh
_CORNERS = 6
_MOST_ENTRIES = 2**31 - 1 - _TILE


class DeviceLattice(Protocol):
    """What filtering reads: see `lattice.Lattice`, with the entries of each vertex beside.

    `starts` (capacity + 1,) int32 and `entries` (N (d + 1),) int32: vertex v receives the entries
    (pixel * (d + 1) + remainder) from starts[v] to starts[v + 1]. `state`: vertices there are.
    """

    corners: int
    capacity: int
    gain: np.float32
    offsets: DeviceArray
    weights: DeviceArray
    near: DeviceArray
    starts: DeviceArray
    entries: DeviceArray
    state: DeviceArray


class SpatialLattice:
    """The spatial kernel's lattice, which depends on sizes alone: built here, uploaded once."""

    corners = 3

    def __init__(self, session: Session, size: tuple[int, int], crf: DenseCrf) -> None:
        """Build and upload; may take some tens of milliseconds."""
        from edgecv.ops._jit import jit_available

        lattice = spatial_lattice(size, crf.spatial_sigma, jit_available())
        index = lattice.offsets.reshape(-1).astype(np.int64)
        self.capacity = lattice.near.shape[2]
        self.gain = np.float32(crf.spatial_weight) * spatial_grid(*size, crf.spatial_sigma).gain
        entries = np.argsort(index, kind="stable")
        starts = np.searchsorted(index[entries], np.arange(self.capacity + 1))
        self.offsets = session.upload(lattice.offsets)
        self.weights = session.upload(lattice.weights)
        self.near = session.upload(lattice.near)
        self.starts = session.upload(starts.astype(np.int32))
        self.entries = session.upload(entries.astype(np.int32))
        self.state = session.upload(np.array([self.capacity, 0], np.int32))

    def close(self) -> None:
        """Free everything."""
        for array in (self.offsets, self.weights, self.near, self.starts, self.entries, self.state):
            array.free()


class BilateralLattice:
    """The bilateral kernel's lattice, built on the device from each picture.

    Attributes:
        state: (2,) int32: vertices kept, and how many there was no room for. Those of the lowest
            keys are lost, the same in every run; their share of the filter is then missing, from
            the normalisation too.
    """

    corners = _CORNERS

    def __init__(
        self, session: Session, size: tuple[int, int], crf: DenseCrf, capacity: int
    ) -> None:
        """Allocate for pictures of `size` = height, width and `capacity` vertices.

        Raises:
            ShapeError: more pixels than 32-bit entries allow.
        """
        self._size, self._pixels = size, size[0] * size[1]
        self._n = self._pixels * _CORNERS
        if self._n > _MOST_ENTRIES:
            raise ShapeError("dense_crf: too many pixels", got=self._pixels)
        self.capacity, self._tiles = capacity, math.ceil(self._n / _TILE)
        self._sigmas = (crf.bilateral_sigma, crf.color_sigma)
        grid = bilateral_grid(*size, *self._sigmas)
        self._plain = float(grid.gain)
        self.gain = np.float32(crf.bilateral_weight) * grid.gain
        self._down, self._passes = grid.down, math.ceil(grid.bits / 8)
        self._session, self._arrays = session, list[Any]()
        self._scale = self._keep(session.upload(grid.scale))
        self._cells = self._keep(session.upload(np.concatenate([grid.low, grid.step])))
        n = self._n
        self.offsets, self.weights = self._empty((n,), "uint32"), self._empty((n,), "float32")
        self.near = self._empty((_CORNERS, 2, capacity), "int32")
        self.starts, self.state = self._empty((capacity + 1,), "int32"), self._empty((2,), "int32")
        self._keys = self._empty((capacity,), "int64")
        self._words = [(self._empty((n,), "uint32"), self._empty((n,), "uint32")) for _ in "ab"]
        self._sorted = [self._empty((n,), "int32") for _ in "ab"]
        self.entries = self._sorted[self._passes % 2]
        self._counts = self._empty((self._tiles, 256), "int32")
        self._ones = [self._keep(session.zeros((capacity + 1,), "float32")) for _ in "ab"]
        self._load()

    def _keep(self, array: DeviceArray) -> DeviceArray:
        self._arrays.append(array)
        return array

    def _empty(self, shape: tuple[int, ...], dtype: str) -> DeviceArray:
        return self._keep(self._session.empty(shape, dtype))

    def _load(self) -> None:
        kernels = self._session.kernels(SOURCE)
        self._embed = kernels.function("dense_crf_embed", "PPPffiiPPPP")
        self._count = kernels.function("dense_crf_radix_count", "PiiP")
        self._place = kernels.function("dense_crf_radix_offsets", "iP")
        self._scatter = kernels.function("dense_crf_radix_scatter", "PiiPPPPPPP")
        self._vertex_count = kernels.function("dense_crf_vertex_count", "PPiP")
        self._vertex_offsets = kernels.function("dense_crf_vertex_offsets", "iiPP")
        self._vertex_write = kernels.function("dense_crf_vertex_write", "PPPiiPPPP")
        self._neighbours = kernels.function("dense_crf_neighbours", "PPqPiP")
        self._splat = kernels.function("dense_crf_splat", "PPPPPiiP")
        self._blur = kernels.function("dense_crf_blur", "PPPiiP")
        self._normalise = kernels.function("dense_crf_normalise", "PPfiP")

    def enqueue(self, stream: Stream, image: int) -> None:
        """Build the lattice of the (H, W, 3) uint8 picture at address `image`."""
        pixels, n, block = self._pixels, self._n, (THREADS,)
        own = (self._scale, self._cells, *self._sigmas, self._size[1], pixels)
        out = (*self._words[0], self._sorted[0], self.weights)
        self._embed.launch(stream, (math.ceil(pixels / THREADS),), block, image, *own, *out)
        self._sort(stream)
        words, capacity = self._words[self._passes % 2], self.capacity
        tiles, block = (self._tiles,), (_TILE,)
        self._vertex_count.launch(stream, tiles, block, *words, n, self._counts)
        self._vertex_offsets.launch(
            stream, (1,), block, self._tiles, capacity, self._counts, self.state
        )
        found = (self._counts, self.offsets, self.starts, self._keys)
        self._vertex_write.launch(stream, tiles, block, *words, self.entries, n, capacity, *found)
        grid, block = (math.ceil(capacity / THREADS), _CORNERS), (THREADS,)
        where = (self._keys, self._cells, self._down, self.state, capacity, self.near)
        self._neighbours.launch(stream, grid, block, *where)
        self._divide(stream)

    def _sort(self, stream: Stream) -> None:
        for number in range(self._passes):
            low, high = self._words[number % 2]
            here, there = self._sorted[number % 2], self._sorted[1 - number % 2]
            digit = (low if number < 4 else high, self._n, 8 * (number % 4), self._counts)
            self._count.launch(stream, (self._tiles,), (_TILE,), *digit)
            self._place.launch(stream, (1,), (256,), self._tiles, self._counts)
            into = (*self._words[1 - number % 2], there)
            self._scatter.launch(stream, (self._tiles,), (_TILE,), *digit, low, high, here, *into)

    def _divide(self, stream: Stream) -> None:
        """Filter ones, and divide the weights by the root of what comes out."""
        grid, block, ones = (math.ceil(self.capacity / THREADS),), (THREADS,), self._ones
        own = (self.starts, self.entries, self.weights, 0, self.state)
        self._splat.launch(stream, grid, block, *own, _CORNERS, 1, ones[0])
        for axis in range(_CORNERS):
            near = self.near.address + axis * 2 * self.capacity * 4
            a, b = ones[axis % 2], ones[1 - axis % 2]
            self._blur.launch(stream, grid, block, a, near, self.state, self.capacity, 1, b)
        grid = (math.ceil(self._pixels / THREADS),)
        self._normalise.launch(
            stream, grid, block, ones[0], self.offsets, self._plain, self._pixels, self.weights
        )

    def close(self) -> None:
        """Free everything."""
        for array in self._arrays:
            array.free()
        self._arrays.clear()
