"""One device's primary context and everything allocated in it.

The primary context is shared with whatever else the process runs (TensorRT, torch). Memory,
streams, kernels and graphs come from a session and end with it: `close()` frees what is left.

Threads: CUDA has one primary context a device and one current context a thread. A thread that uses
a session does so inside `with session.current():`. A worker has its own stream, its own execution
context and its own plans; it shares with others only the session and device arrays nobody writes.
Not run on a GPU yet: tested against a fake pycuda that has only the names of
the real one.
"""

from __future__ import annotations

import gc
import math
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from edgecv.cuda.cubins import Cubins, Unit, cache_folder, read_unit
from edgecv.cuda.driver import (
    cuda_version,
    current_context,
    finish_default_stream,
    leave_context,
)
from edgecv.cuda.graph import CAPTURE_LOCK, Graph
from edgecv.cuda.kernels import Kernels
from edgecv.cuda.memory import Array, DeviceArray, Foreign, Ledger, Mapped, adopt
from edgecv.cuda.stream import Event, Stream
from edgecv.errors import MachineError, MissingPackage

T = TypeVar("T")
_NOTHING: Mapping[str, int | float | str] = MappingProxyType({})


class Session:
    """The primary context of one device. Use it from any thread inside `current()`.

    Attributes:
        ordinal: The device's number.
        capability: Its compute capability, `sm87`.
        integrated: Whether it shares the system's memory (Jetson).
    """

    def __init__(self, ordinal: int = 0, *, cubins: Path | None = None) -> None:
        """Retain the primary context of device `ordinal`.

        Args:
            ordinal: The device's number.
            cubins: A bundle's folder of cubins, looked into before anything is compiled.

        Raises:
            MachineError: no driver or no such device.
            MissingPackage: pycuda is not installed.
        """
        self._driver = _driver()
        self.ordinal = ordinal
        try:
            self._driver.init()
            device = self._driver.Device(ordinal)
            self.capability = "sm{}{}".format(*device.compute_capability())
            attribute = self._driver.device_attribute.INTEGRATED
            self.integrated = bool(device.get_attribute(attribute))
            self._context = device.retain_primary_context()
        except self._driver.Error as err:
            raise MachineError(
                "the CUDA device cannot be used", device=ordinal, reason=str(err)
            ) from err
        self._cubins = Cubins(
            self.capability, cuda_version()[0], stored=cubins, cache=cache_folder()
        )
        self._lock = RLock()
        self._ledger = Ledger()
        self._modules: dict[str, Kernels] = {}
        self._kept: list[Any] = []  # streams, events, pinned arrays: theirs is the session's life
        self._graphs: list[Graph] = []
        self._closed = False

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

    def stream(self) -> Stream:
        """A new stream."""
        return self._keep(Stream(self._driver))

    def event(self) -> Event:
        """A new event, which also times."""
        return self._keep(Event(self._driver))

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> DeviceArray:
        """A device array whose contents are undefined."""
        nbytes = math.prod(shape) * np.dtype(dtype).itemsize
        # CUDA has no empty allocation: at least one byte
        owner = self._ledger.add(self._driver.mem_alloc(max(1, nbytes)), nbytes)
        return DeviceArray(self._driver, shape, dtype, owner)

    def zeros(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> DeviceArray:
        """A device array of zeros (blocking)."""
        array = self.empty(shape, dtype)
        if array.nbytes:
            self._driver.memset_d8(array.address, 0, array.nbytes)
            finish_default_stream()
        return array

    def upload(self, host: Array) -> DeviceArray:
        """A device array with the contents of `host` (blocking: constants, tests)."""
        array = self.empty(host.shape, host.dtype)
        if array.nbytes:
            self._driver.memcpy_htod(array.address, np.ascontiguousarray(host))
            finish_default_stream()  # a copy from pageable memory returns before it has arrived
        return array

    def download(self, array: DeviceArray) -> Array:
        """The contents of a device array, after all work given before (blocking)."""
        host: Array = np.empty(array.shape, array.dtype)
        with CAPTURE_LOCK:
            self.synchronize()
            if array.nbytes:
                self._driver.memcpy_dtoh(host, array.address)
        return host

    def adopt(self, thing: Any) -> DeviceArray:
        """A device array over a torch tensor, a CuPy array, …: the same memory, not copied.

        The work that fills it must be done, or ordered before by its owner (synchronise its
        stream): the interface torch offers does not say which stream that is.

        Raises:
            ShapeError: it is not a contiguous array in device memory.
        """
        return adopt(self._driver, thing)

    def pinned(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """A page-locked host array, for asynchronous copies; the session keeps it (`unpin`)."""
        return self._keep(self._locked(shape, dtype, 0)[0])

    def mapped(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Mapped:
        """A page-locked host array that kernels read and write in place (zero-copy)."""
        host, memory = self._locked(shape, dtype, self._driver.host_alloc_flags.DEVICEMAP)
        device = Foreign(host, int(memory.get_device_pointer()))
        return Mapped(self._keep(host), DeviceArray(self._driver, shape, dtype, device))

    def unpin(self, host: Array) -> None:
        """Let go of a pinned or mapped array, as `pinned` or `Mapped.host` gave it.

        Its memory is freed with the last reference; drop that inside `current()`, with nothing in
        flight and no graph that copies to or from it.
        """
        with self._lock:
            self._kept = [kept for kept in self._kept if kept is not host]

    def kernels(self, source: Path, defines: Mapping[str, int | float | str] = _NOTHING) -> Kernels:
        """The kernels of a .cu file, loaded once: from the bundle, the cache, or compiled.

        Args:
            source: The .cu file.
            defines: Macros it is compiled with.

        Raises:
            CompileFailed: it does not compile; carries NVRTC's log.
            MachineError: it is stored nowhere and there is no NVRTC, or the driver refuses it.
        """
        unit = read_unit(source, defines)
        with CAPTURE_LOCK, self._lock:
            digest = unit.digest()
            if digest not in self._modules:
                self._modules[digest] = Kernels(self._driver, self._load(unit))
            return self._modules[digest]

    def graph(self, stream: Stream, record: Callable[[], None]) -> Graph:
        """Record what `record` puts into `stream`. See `edgecv.cuda.graph`.

        Raises:
            MachineError: it cannot be captured. What made it so may have reported nothing itself:
                the next launch into the stream then does.
        """
        try:
            graph = Graph(stream, record)
        except self._driver.Error as err:
            raise MachineError("a CUDA graph failed", reason=str(err)) from err
        with self._lock:
            self._graphs = [*(one for one in self._graphs if not one.closed), graph]
        return graph

    def synchronize(self) -> None:
        """Wait for everything given to the device, and before for captures of other threads."""
        with CAPTURE_LOCK:
            self._driver.Context.synchronize()

    @property
    def allocated_bytes(self) -> int:
        """Device memory this session holds now."""
        return self._ledger.nbytes

    @property
    def peak_bytes(self) -> int:
        """The most device memory it ever held."""
        return self._ledger.peak_nbytes

    def free_bytes(self) -> int:
        """Free device memory in bytes; call inside `current()`."""
        free, _ = self._driver.mem_get_info()
        return int(free)

    def close(self) -> None:
        """Free what is left and give the primary context back; a second call does nothing.

        Raises:
            MachineError: work still in flight failed; everything is given back nevertheless.
        """
        if self._closed:
            return
        self._closed = True
        self._context.push()
        mine = current_context()
        try:
            self._free_all()
        except self._driver.Error as err:
            raise MachineError("a CUDA call failed", reason=str(err)) from err
        finally:
            self._context.detach()
            leave_context(mine)

    def _free_all(self) -> None:
        try:
            self.synchronize()
            for graph in self._graphs:
                graph.close()
            self._ledger.free_all()
        finally:
            self._forget()

    def _forget(self) -> None:
        """Let go of what pycuda frees in its destructors, while the context is current.

        After that it could not: pinned arrays that somebody still holds would stay locked until the
        process ends. Those held only by a reference cycle are collected here.
        """
        for kernels in self._modules.values():
            kernels.close()
        held = [weakref.ref(kept) for kept in self._kept if isinstance(kept, np.ndarray)]
        self._graphs, self._modules = [], {}
        self._kept.clear()
        if any(array() is not None for array in held):
            gc.collect()

    def _locked(
        self, shape: tuple[int, ...], dtype: npt.DTypeLike, flags: int
    ) -> tuple[Array, Any]:
        """A page-locked array and pycuda's object of its memory (which has no empty one)."""
        count = math.prod(shape)
        whole = self._driver.pagelocked_empty(max(1, count), np.dtype(dtype), mem_flags=flags)
        return whole[:count].reshape(shape), whole.base

    def _load(self, unit: Unit) -> Any:
        try:
            return self._driver.module_from_buffer(self._cubins.find(unit))
        except self._driver.Error as err:
            refused = str(err)
        try:
            return self._driver.module_from_buffer(self._cubins.compiled_again(unit))
        except self._driver.Error as err:
            raise MachineError(
                f"the driver does not load the kernels of {unit.path.name}",
                device=self.capability,
                reason=refused,
            ) from err

    def _keep(self, thing: T) -> T:
        with self._lock:
            self._kept.append(thing)
        return thing


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
