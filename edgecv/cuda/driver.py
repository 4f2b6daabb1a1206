"""What the CUDA driver says of this machine, asked by ctypes: no package is needed."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

from edgecv.errors import MachineError

# CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR, CU_DEVICE_ATTRIBUTE_INTEGRATED
_MAJOR, _MINOR, _INTEGRATED = 75, 76, 18
_LEGACY = 1  # CU_STREAM_LEGACY


@dataclass(frozen=True)
class Device:
    """One CUDA device.

    Attributes:
        name: As the driver reports it.
        capability: Compute capability, `sm86`.
        integrated: Whether it shares the system's memory (Jetson).
    """

    name: str
    capability: str
    integrated: bool = False


def load_driver() -> Any | None:
    """The driver library, initialised; None where there is no driver or no device."""
    library = open_driver()
    return library if library is not None and library.cuInit(0) == 0 else None


def open_driver() -> Any | None:
    """The driver library as the linker finds it; None where there is none."""
    try:
        return ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None


def current_context() -> int:
    """Address of this thread's current CUDA context; 0 if none."""
    library, context = load_driver(), ctypes.c_void_p()
    if library is None or library.cuCtxGetCurrent(ctypes.byref(context)) != 0:
        return 0
    return context.value or 0


def leave_context(address: int) -> None:
    """Pop this thread's current context if it is the one at `address`.

    pycuda's `detach` of a primary context gives it back and leaves it current: the next user of
    CUDA in this thread would find a context that is gone.
    """
    library = load_driver()
    if library is not None and address and current_context() == address:
        library.cuCtxPopCurrent_v2(ctypes.byref(ctypes.c_void_p()))


def finish_default_stream() -> None:
    """Wait for CUDA's default stream, where blocking copies and fills may still be under way.

    Raises:
        MachineError: that work, or work before it, failed.
    """
    library = load_driver()
    code = library.cuStreamSynchronize(ctypes.c_void_p(_LEGACY)) if library is not None else 0
    if code:
        raise MachineError("a CUDA call failed", call="cuStreamSynchronize", code=code)


def cuda_version() -> tuple[int, int]:
    """The newest CUDA the driver speaks, as (major, minor); (0, 0) without a driver."""
    library, number = load_driver(), ctypes.c_int(0)
    if library is None or library.cuDriverGetVersion(ctypes.byref(number)) != 0:
        return (0, 0)
    return (number.value // 1000, number.value % 1000 // 10)


def device_count() -> int:
    """How many CUDA devices the driver sees; 0 without a driver."""
    library = load_driver()
    count = ctypes.c_int(0)
    if library is None or library.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def devices() -> tuple[Device, ...]:
    """The CUDA devices of this machine, in the driver's order; empty without a driver."""
    library = load_driver()
    return tuple(_device(library, ordinal) for ordinal in range(device_count()))


def free_bytes(ordinal: int = 0) -> int:
    """Free memory of a device in bytes, through its primary context; 0 where that fails."""
    library, handle, context = load_driver(), ctypes.c_int(), ctypes.c_void_p()
    if library is None or library.cuDeviceGet(ctypes.byref(handle), ordinal) != 0:
        return 0
    if library.cuDevicePrimaryCtxRetain(ctypes.byref(context), handle) != 0:
        return 0
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    library.cuCtxPushCurrent_v2(context)
    failed = library.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total))
    library.cuCtxPopCurrent_v2(ctypes.byref(context))
    library.cuDevicePrimaryCtxRelease_v2(handle)
    return 0 if failed else free.value


def _device(library: Any, ordinal: int) -> Device:
    handle = ctypes.c_int()
    name = ctypes.create_string_buffer(256)
    library.cuDeviceGet(ctypes.byref(handle), ordinal)
    library.cuDeviceGetName(name, len(name), handle)

    def attribute(number: int) -> int:
        value = ctypes.c_int()
        library.cuDeviceGetAttribute(ctypes.byref(value), number, handle)
        return value.value

    capability = f"sm{attribute(_MAJOR)}{attribute(_MINOR)}"
    return Device(name.value.decode(errors="replace"), capability, bool(attribute(_INTEGRATED)))
