"""Device memory: arrays with a shape, freed by hand, and host memory the device can reach."""

from __future__ import annotations

import math
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.cuda.stream import Stream
from edgecv.errors import ShapeError

Array = npt.NDArray[Any]


class DeviceArray:
    """A C-contiguous array in device memory.

    Copies and fills are asynchronous, in the order of their stream; call them inside
    `session.current()`. Arrays may be read by several streams at once; who writes orders that
    with events.

    Attributes:
        address: Device address of the first element.
        shape: Its sides.
        dtype: numpy's type of an element.
        nbytes: Size in bytes.
    """

    def __init__(
        self, driver: Any, shape: tuple[int, ...], dtype: npt.DTypeLike, owner: Any
    ) -> None:
        """See `Session.empty`, which makes them; `owner` keeps the memory alive."""
        self._driver, self._owner = driver, owner
        self.shape = tuple(int(side) for side in shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.nbytes = math.prod(self.shape) * self.dtype.itemsize

    @property
    def address(self) -> int:
        """Device address of the first element; an error once the memory was freed."""
        return int(self._owner.address)

    @property
    def size(self) -> int:
        """How many elements."""
        return math.prod(self.shape)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """Version 3 of the interface torch, CuPy and Numba read, without a copy."""
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.address, False),
            "strides": None,
            "version": 3,
        }

    def upload(self, host: Array, stream: Stream) -> None:
        """Copy pinned `host` (same dtype and size) here, in the order of `stream`.

        Raises:
            ShapeError: another dtype or size, or not contiguous.
        """
        self._check(host)
        if self.nbytes:
            self._driver.memcpy_htod_async(self.address, host, stream.raw)

    def download(self, host: Array, stream: Stream) -> None:
        """Copy this into pinned `host` (same dtype and size), in the order of `stream`.

        Raises:
            ShapeError: another dtype or size, or not contiguous.
        """
        self._check(host)
        if self.nbytes:
            self._driver.memcpy_dtoh_async(host, self.address, stream.raw)

    def copy_from(self, other: DeviceArray, stream: Stream) -> None:
        """Copy another device array of the same size and dtype here, in the order of `stream`."""
        if (other.nbytes, other.dtype) != (self.nbytes, self.dtype):
            raise ShapeError(
                "a device array takes a copy of the same size and type",
                want=f"{self.shape} {self.dtype}",
                got=f"{other.shape} {other.dtype}",
            )
        if self.nbytes:
            self._driver.memcpy_dtod_async(self.address, other.address, self.nbytes, stream.raw)

    def fill(self, stream: Stream, byte: int = 0) -> None:
        """Set every byte, in the order of `stream`."""
        if self.nbytes:
            self._driver.memset_d8_async(self.address, byte, self.nbytes, stream.raw)

    def view(self, shape: tuple[int, ...], dtype: npt.DTypeLike, *, offset: int = 0) -> DeviceArray:
        """Bytes of the same memory, from `offset` on, as another shape and type; it owns nothing.

        Raises:
            ShapeError: the view would be larger than the array.
        """
        seen = DeviceArray(self._driver, shape, dtype, _Borrowed(self, offset))
        if offset < 0 or offset + seen.nbytes > self.nbytes:
            raise ShapeError(
                "a view is at most as large as its array",
                array_bytes=self.nbytes,
                view_bytes=offset + seen.nbytes,
            )
        return seen

    def free(self) -> None:
        """Give the memory back; views of it are then dead. A view frees nothing."""
        self._owner.free()

    def _check(self, host: Array) -> None:
        if host.nbytes != self.nbytes or host.dtype != self.dtype:
            raise ShapeError(
                "a host array must have the device array's size and type",
                want=f"{self.shape} {self.dtype}",
                got=f"{host.shape} {host.dtype}",
            )
        if not host.flags.c_contiguous:
            raise ShapeError("a host array must be contiguous to be copied", strides=host.strides)


class Owned:
    """One allocation: freed once, counted by its ledger."""

    def __init__(self, ledger: Ledger, allocation: Any, nbytes: int) -> None:
        """Take over `allocation`, which has `free()` and converts to its address."""
        self._ledger, self._allocation, self.nbytes = ledger, allocation, nbytes
        self._address = int(allocation)

    @property
    def address(self) -> int:
        """The address; an error once freed."""
        if self._allocation is None:
            raise ValueError("device memory was used after it was freed")
        return self._address

    def free(self) -> None:
        """Give the memory back; a second call does nothing."""
        allocation, self._allocation = self._allocation, None
        if allocation is not None:
            self._ledger.remove(self)
            allocation.free()


class _Borrowed:
    """Memory of another array."""

    def __init__(self, array: DeviceArray, offset: int) -> None:
        self._array, self._offset = array, offset

    @property
    def address(self) -> int:
        return self._array.address + self._offset

    def free(self) -> None:
        """Nothing: the other array frees it."""


class Foreign:
    """Memory of another library, kept alive as long as the array over it."""

    def __init__(self, thing: Any, address: int) -> None:
        """`thing` owns the memory at `address`."""
        self._thing, self.address = thing, address

    def free(self) -> None:
        """Let go of the other library's object."""
        self._thing = None


class Ledger:
    """What a session allocated and has not freed.

    It holds the allocations, so that none is freed behind one's back by garbage collection (which
    would invalidate a capture).

    Attributes:
        nbytes: Bytes allocated now.
        peak_nbytes: The most there ever were.
    """

    def __init__(self) -> None:
        """Nothing allocated yet."""
        self._owned: dict[int, Owned] = {}
        self._lock = Lock()
        self.nbytes = self.peak_nbytes = 0

    def add(self, allocation: Any, nbytes: int) -> Owned:
        """Count an allocation."""
        owned = Owned(self, allocation, nbytes)
        with self._lock:
            self._owned[id(owned)] = owned
            self.nbytes += nbytes
            self.peak_nbytes = max(self.peak_nbytes, self.nbytes)
        return owned

    def remove(self, owned: Owned) -> None:
        """Forget one that is being freed."""
        with self._lock:
            if self._owned.pop(id(owned), None) is not None:
                self.nbytes -= owned.nbytes

    def free_all(self) -> None:
        """Free whatever is left."""
        for owned in list(self._owned.values()):
            owned.free()


@dataclass(frozen=True)
class Mapped:
    """Host memory the device reads and writes in place (zero-copy).

    Attributes:
        host: The pinned array.
        device: The same bytes at their device address.
    """

    host: Array
    device: DeviceArray


def adopt(driver: Any, thing: Any) -> DeviceArray:
    """A device array over the memory of an object with `__cuda_array_interface__`; no copy.

    Raises:
        ShapeError: it has no such interface, or is not contiguous.
    """
    facts = getattr(thing, "__cuda_array_interface__", None)
    if facts is None:
        raise ShapeError("not an array in device memory", got=type(thing).__name__)
    array = DeviceArray(driver, facts["shape"], facts["typestr"], Foreign(thing, facts["data"][0]))
    strides = facts.get("strides")
    if strides is not None and tuple(strides) != _strides(array):
        raise ShapeError("a device array must be contiguous", strides=strides)
    return array


def _strides(array: DeviceArray) -> tuple[int, ...]:
    sizes = [array.dtype.itemsize]
    for side in reversed(array.shape[1:]):
        sizes.append(sizes[-1] * side)
    return tuple(reversed(sizes))[-len(array.shape) :] if array.shape else ()
