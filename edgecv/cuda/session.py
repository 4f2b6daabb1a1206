"""The primary context, device memory, pinned host memory and streams, by pycuda.

The primary context is shared with whatever else the process runs (TensorRT, torch). Everything is
allocated once and freed by an explicit close. Not run on a GPU yet: tested against a fake pycuda
that has only the names of the real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import MachineError, MissingPackage

Array = npt.NDArray[Any]


class Buffer:
    """Device memory with a pinned host array of the same capacity beside it.

    Attributes:
        address: Device address.
        nbytes: Capacity in bytes.
    """

    def __init__(self, driver: Any, nbytes: int) -> None:
        """Allocate both; at least one byte, as CUDA has no empty allocation."""
        self._driver = driver
        self.nbytes = max(1, nbytes)
        self._device = driver.mem_alloc(self.nbytes)
        self._host: Array = driver.pagelocked_empty(self.nbytes, np.uint8)
        self.address = int(self._device)

    def host(self, shape: tuple[int, ...], dtype: str) -> Array:
        """The pinned array, seen as `shape` and `dtype`."""
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        return self._host[:size].view(dtype).reshape(shape)

    def upload(self, nbytes: int, stream: Any) -> None:
        """Copy the first bytes of the pinned array to the device, in the order of the stream."""
        self._driver.memcpy_htod_async(self.address, self._host[:nbytes], stream)

    def download(self, nbytes: int, stream: Any) -> None:
        """Copy the first bytes of the device memory to the pinned array, in stream order."""
        self._driver.memcpy_dtoh_async(self._host[:nbytes], self.address, stream)

    def free(self) -> None:
        """Free the device memory; the pinned memory goes with its array."""
        self._device.free()


class Session:
    """The primary context of one device. Use it from any thread inside `current()`."""

    def __init__(self, ordinal: int = 0) -> None:
        """Retain the primary context of device `ordinal`.

        Raises:
            MachineError: no driver or no such device.
            MissingPackage: pycuda is not installed.
        """
        self._driver = _driver()
        try:
            self._driver.init()
            self._context = self._driver.Device(ordinal).retain_primary_context()
        except self._driver.Error as err:
            raise MachineError(
                "the CUDA device cannot be used", device=ordinal, reason=str(err)
            ) from err

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make the context current in this thread; CUDA's errors become MachineError."""
        self._context.push()
        try:
            yield
        except self._driver.Error as err:
            raise MachineError("a CUDA call failed", reason=str(err)) from err
        finally:
            self._context.pop()

    def buffer(self, nbytes: int) -> Buffer:
        """Device and pinned memory of `nbytes`; call inside `current()`."""
        return Buffer(self._driver, nbytes)

    def stream(self) -> Any:
        """A new stream; `.handle` is the CUstream. Call inside `current()`."""
        return self._driver.Stream()

    def free_bytes(self) -> int:
        """Free device memory in bytes; call inside `current()`."""
        free, _ = self._driver.mem_get_info()
        return int(free)

    def close(self) -> None:
        """Give the primary context back."""
        self._context.detach()


def _driver() -> Any:
    try:
        import pycuda.driver as driver
    except ImportError as err:
        if "libcuda" in str(err):
            raise MachineError(
                "this machine has no CUDA driver (libcuda.so.1)",
                fix="install the NVIDIA driver, or build for the CPU: --backend openvino",
            ) from err
        raise MissingPackage("pycuda", "cuda", needed_for="executing on the GPU") from err
    return driver
