"""`pycuda.driver` without a GPU: only names the real one has, memory and order as a device's.

Device memory is host memory at real addresses between guard zones, so that kernels, executed by the
CPU emulator, work on it. A stream runs when somebody waits for it, not before: a result read too
early, or a host buffer rewritten too early, is wrong here as it would be there. Misuse raises what
the driver would raise. Every call goes to `log`.
"""

import json
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from tests.cuda.fake_context import Context, Device, Stacks
from tests.cuda.fake_launch import FakeModule
from tests.cuda.fake_memory import Memory, Pinned, bytes_of
from tests.cuda.fake_streams import Event, Stream, Streams

_VERSIONS = json.loads(Path(__file__).with_name("pycuda_names.json").read_text("utf-8"))["versions"]
# The names of pycuda's classes: equal in every version from 2024.1 to 2026.1, so one list does.
NAMES = {kind: set(change["new"]) for kind, change in _VERSIONS["2024.1"].items()}
assert not any(_VERSIONS[version] for version in _VERSIONS if version != "2024.1")
ORDERS = {"forward": 0, "reverse": 1, "shuffled": 2026}


class FakeDriver:
    """The module `pycuda.driver` of one version.

    Args:
        devices: How many the machine has.
        capability: Of each.
        integrated: Whether they share the host's memory.
        order: In which order the emulator runs threads and blocks.
    """

    class Error(Exception):
        """Root of pycuda's errors."""

    class LogicError(Error):
        """Wrong use of CUDA."""

    class LaunchError(Error):
        """A kernel failed."""

    class MemoryError(Error):
        """No memory left."""

    class RuntimeError(Error):
        """Anything else."""

    def __init__(self, *, devices=1, capability=(8, 7), integrated=True, order="forward"):
        self.log = []
        self.capability, self.integrated, self.order = capability, integrated, ORDERS[order]
        self.sources: list[Path] = []  # .cu files outside the package that tests made
        self.loaded: list[Path] = []  # the .cu file of each module loaded
        self.device_memory, self.host_memory = Memory(self.LogicError), Memory(self.LogicError)
        self.capacity = 8 << 30
        self.streams = Streams(self)
        self.default = Stream(self, self.streams)  # CUDA's default stream
        self.retained = 0  # of primary contexts
        self.stacks = Stacks(threading.get_ident)
        self._devices = devices
        self.Context = Context(self)
        self.device_attribute = SimpleNamespace(INTEGRATED="INTEGRATED")
        self.function_attribute = SimpleNamespace(MAX_DYNAMIC_SHARED_SIZE_BYTES="MAX_DYNAMIC")
        self.host_alloc_flags = SimpleNamespace(PORTABLE=1, DEVICEMAP=2, WRITECOMBINED=4)

    # ---- what tests look at

    @property
    def memory(self) -> dict[int, np.ndarray]:
        """Live device allocations."""
        return self.device_memory.live

    @property
    def depth(self) -> int:
        """How many contexts are pushed, over all threads."""
        return self.stacks.depth()

    def read(self, address, shape, dtype=np.float32):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return self.device_memory.bytes_at(address, size).view(dtype).reshape(shape)

    def write(self, address, array, dtype=np.float32):
        data = np.ascontiguousarray(array, dtype).reshape(-1).view(np.uint8)
        self.device_memory.bytes_at(address, len(data))[:] = data

    def submit(self, handle, action) -> None:
        """Put foreign work (an engine's) into the stream of a handle."""
        self.streams.all[handle].submit(action)

    def finish(self) -> None:
        """Run what is still in a stream, then look at every guard zone."""
        self.streams.drain()
        self.device_memory.check_all()
        self.host_memory.check_all()

    # ---- the module

    def init(self):
        self.log.append(("init",))

    def get_version(self):
        return (13, 0, 0)

    def Device(self, ordinal):
        if ordinal >= self._devices:
            raise self.LogicError("cuDeviceGet failed: invalid device ordinal")
        return Device(self, ordinal)

    def _entered(self, *entry, blocking=False):
        """Every call: a context must be current; a blocking one spoils a capture."""
        self.require_current()
        self.log.append(entry)
        if blocking:
            self.streams.refuse_while_capturing(entry[0])

    def mem_alloc(self, nbytes):
        self._entered("mem_alloc", nbytes, blocking=True)
        if nbytes <= 0:
            raise self.LogicError("cuMemAlloc failed: invalid argument")
        if nbytes + sum(array.nbytes for array in self.memory.values()) > self.capacity:
            raise self.MemoryError("cuMemAlloc failed: out of memory")
        return _Allocation(self, self.device_memory.allocate(nbytes))

    def mem_get_info(self):
        used = sum(array.nbytes for array in self.memory.values())
        return self.capacity - used, self.capacity

    def pagelocked_empty(self, shape, dtype, order="C", mem_flags=0):
        self._entered("pagelocked_empty", shape, blocking=True)
        if not np.prod(shape):
            raise self.LogicError("cuMemHostAlloc failed: invalid argument")
        mapped = bool(mem_flags & self.host_alloc_flags.DEVICEMAP)
        return np.asarray(Pinned(self.host_memory, shape, dtype, mapped))

    def memcpy_htod(self, dest, src):
        """From pageable memory: it returns when the data is staged, not when it has arrived."""
        data = bytes_of(src).copy()
        self._entered("memcpy_htod", data.nbytes, blocking=True)
        device = self.device_bytes(int(dest), data.nbytes)
        self.default.submit(lambda: np.copyto(device, data))

    def memcpy_dtoh(self, dest, src):
        self._entered("memcpy_dtoh", bytes_of(dest).nbytes, blocking=True)
        self.default.drain()
        bytes_of(dest)[:] = self.device_bytes(int(src), bytes_of(dest).nbytes)

    def memset_d8(self, dest, data, size):
        self._entered("memset_d8", size, blocking=True)
        device = self.device_bytes(int(dest), size)
        self.default.submit(lambda: device.fill(data))

    def memcpy_htod_async(self, dest, src, stream=None):
        host = self._pinned(src)
        self._entered("htod", host.nbytes)
        device = self.device_bytes(int(dest), host.nbytes)
        stream.submit(lambda: np.copyto(device, host))

    def memcpy_dtoh_async(self, dest, src, stream=None):
        host = self._pinned(dest)
        self._entered("dtoh", host.nbytes)
        device = self.device_bytes(int(src), host.nbytes)
        stream.submit(lambda: np.copyto(host, device))

    def memcpy_dtod_async(self, dest, src, size, stream=None):
        self._entered("dtod", size)
        to, of = self.device_bytes(int(dest), size), self.device_bytes(int(src), size)
        stream.submit(lambda: np.copyto(to, of))

    def memset_d8_async(self, dest, data, size, stream=None):
        self._entered("memset", size)
        device = self.device_bytes(int(dest), size)
        stream.submit(lambda: device.fill(data))

    def Stream(self, flags=0):
        self.require_current()
        if flags != 1:
            raise self.LogicError("the fake has non-blocking streams only")
        return self.streams.register(Stream(self, self.streams))

    def Event(self, flags=0):
        self.require_current()
        return Event(self, self.streams)

    def module_from_buffer(self, buffer, options=None, message_handler=None):
        self._entered("module_from_buffer", len(buffer), blocking=True)
        return FakeModule(self, bytes(buffer))

    # ---- for its parts

    def require_current(self):
        if not self.stacks.mine():
            raise self.LogicError("invalid device context: no currently active context?")

    def __getattr__(self, name):
        have = "the fake lacks it" if name in NAMES["module"] else "nor has any pycuda since 2024.1"
        raise AttributeError(f"pycuda.driver: no {name} here, {have}")

    def device_bytes(self, address, nbytes):
        """Device memory, or host memory mapped into the device."""
        memory = self.host_memory if self.host_memory.knows(address) else self.device_memory
        return memory.bytes_at(address, nbytes)

    def reachable(self, address) -> bool:
        """Whether a kernel may be given this address."""
        return self.device_memory.knows(address) or self.host_memory.knows(address)

    def _pinned(self, host):
        """The bytes of a host array that is page-locked: others are not copied asynchronously."""
        data = bytes_of(host)
        if data.nbytes and not self.host_memory.knows(data.ctypes.data):
            raise self.LogicError("an asynchronous copy of host memory that is not page-locked")
        return data


class _Allocation:
    def __init__(self, driver, address):
        self._driver, self._address = driver, address

    def __int__(self):
        return self._address

    def free(self):
        self._driver._entered("free", blocking=True)
        self._driver.streams.drain()  # cuMemFree waits
        self._driver.device_memory.free(self._address)
