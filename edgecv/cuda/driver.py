"""What the CUDA driver says of this machine, asked by ctypes: no package is needed."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR


@dataclass(frozen=True)
class Device:
    """One CUDA device.

    Attributes:
        name: As the driver reports it.
        capability: Compute capability, `sm86`.
    """

    name: str
    capability: str


def load_driver() -> Any | None:
    """The driver library, initialised; None where there is no driver or no device."""
    try:
        library = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    return library if library.cuInit(0) == 0 else None


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


def _device(library: Any, ordinal: int) -> Device:
    handle, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    name = ctypes.create_string_buffer(256)
    library.cuDeviceGet(ctypes.byref(handle), ordinal)
    library.cuDeviceGetName(name, len(name), handle)
    library.cuDeviceGetAttribute(ctypes.byref(major), _MAJOR, handle)
    library.cuDeviceGetAttribute(ctypes.byref(minor), _MINOR, handle)
    return Device(name.value.decode(errors="replace"), f"sm{major.value}{minor.value}")
