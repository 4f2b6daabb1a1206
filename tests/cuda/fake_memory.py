"""The fake device's memory: host memory at real addresses, between guard zones."""

import ctypes
from bisect import bisect_right

import numpy as np

GUARD = 4096  # bytes on each side of an allocation
_ALIGN = 256  # as cuMemAlloc aligns
_GUARD_BYTE, _FRESH, _DEAD = 0xA5, 0xCD, 0xDD


_PROCESS = ctypes.CDLL(None)
_SANITIZED = hasattr(_PROCESS, "__asan_poison_memory_region")  # libasan is preloaded


def _forbid(zone: np.ndarray, forbidden: bool) -> None:
    """Under AddressSanitizer, a kernel that touches these bytes ends the process with a report."""
    if _SANITIZED and zone.nbytes:
        name = "__asan_poison_memory_region" if forbidden else "__asan_unpoison_memory_region"
        call = getattr(_PROCESS, name)
        call(ctypes.c_void_p(zone.ctypes.data), ctypes.c_size_t(zone.nbytes))


class Memory:
    """Allocations by address. Fresh memory is poisoned, freed memory is too and stays mapped."""

    def __init__(self, error):
        self.error = error
        self.live: dict[int, np.ndarray] = {}
        self._zones: dict[int, np.ndarray] = {}
        self._dead: dict[int, int] = {}  # address -> size; never given again, so use is noticed
        self._graves: list[np.ndarray] = []

    def allocate(self, nbytes: int) -> int:
        zone = np.full(nbytes + 2 * GUARD + _ALIGN, _GUARD_BYTE, np.uint8)
        start = GUARD + -(zone.ctypes.data + GUARD) % _ALIGN
        address = zone.ctypes.data + start
        self._zones[address] = zone
        self.live[address] = zone[start : start + nbytes]
        self.live[address][:] = _FRESH
        _forbid(zone, True)
        _forbid(self.live[address], False)
        return address

    def free(self, address: int) -> None:
        if address not in self.live:
            raise self.error("cuMemFree failed: invalid argument (freed twice?)")
        self.check(address)
        array = self.live.pop(address)
        zone = self._zones.pop(address)
        _forbid(zone, False)
        self._dead[address] = array.nbytes
        array[:] = _DEAD
        if array.nbytes <= 1 << 20:  # small memory stays, so that a late write hits nothing else
            self._graves.append(zone)
            _forbid(zone, True)

    def check(self, address: int) -> None:
        """Whether anything was written beside an allocation."""
        zone, array = self._zones[address], self.live[address]
        start = address - zone.ctypes.data
        before, after = zone[:start], zone[start + array.nbytes :]
        for side, guard in (("before", before), ("after", after)):
            wrong = np.flatnonzero(guard != _GUARD_BYTE)
            if len(wrong):
                off = int(wrong[-1] - len(guard)) if side == "before" else int(wrong[0])
                raise self.error(
                    f"device memory was written {side} an allocation of {array.nbytes} bytes, "
                    f"at offset {off} from its {'start' if side == 'before' else 'end'}"
                )

    def check_all(self) -> None:
        for address in list(self.live):
            self.check(address)

    def bytes_at(self, address: int, nbytes: int) -> np.ndarray:
        """A view of device memory; refused unless it lies inside one live allocation."""
        starts = sorted(self.live)
        at = bisect_right(starts, address) - 1
        if at >= 0:
            array, offset = self.live[starts[at]], address - starts[at]
            if offset + nbytes <= array.nbytes:
                return array[offset : offset + nbytes]
        freed = any(start <= address < start + size for start, size in self._dead.items())
        why = "memory that was freed" if freed else "memory outside any allocation"
        raise self.error(f"invalid argument: {nbytes} bytes of {why}")

    def knows(self, address: int) -> bool:
        """Whether an address a kernel was given lies in (or just past) a live allocation."""
        starts = sorted(self.live)
        at = bisect_right(starts, address) - 1
        return at >= 0 and address <= starts[at] + self.live[starts[at]].nbytes


class Pinned:
    """Page-locked host memory: the base object of an array of `pagelocked_empty`."""

    def __init__(self, memory: Memory, shape, dtype, mapped: bool):
        self._memory, self._mapped = memory, mapped
        dtype = np.dtype(dtype)
        self.address = memory.allocate(max(1, int(np.prod(shape)) * dtype.itemsize))
        self.__array_interface__ = {
            "shape": tuple(np.atleast_1d(shape).tolist()) if shape != () else (),
            "typestr": dtype.str,
            "data": (self.address, False),
            "version": 3,
        }

    def get_device_pointer(self):
        if not self._mapped:
            raise self._memory.error("cuMemHostGetDevicePointer failed: invalid argument")
        return self.address

    def free(self):
        self._memory.free(self.address)

    def __del__(self):
        if self.address in self._memory.live:
            self.free()


def bytes_of(host) -> np.ndarray:
    """A host array's memory, byte by byte; a copy would be silent, so it is refused."""
    array = np.asarray(host)
    if not array.flags.c_contiguous:
        raise ValueError("ndarray is not contiguous")
    return array.reshape(-1).view(np.uint8)
