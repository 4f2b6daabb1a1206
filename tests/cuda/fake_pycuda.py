"""pycuda.driver with the few names the CUDA room uses, device memory in a dictionary, and a log."""

from types import SimpleNamespace

import numpy as np


class FakeDriver:
    """The module `pycuda.driver`."""

    class Error(Exception):
        """Root of pycuda's errors."""

    def __init__(self, *, devices=1):
        self.log, self.memory, self._devices, self.depth = [], {}, devices, 0
        self._next = 0x1000

    def init(self):
        self.log.append(("init",))

    def Device(self, ordinal):
        if ordinal >= self._devices:
            raise self.Error("cuDeviceGet failed: invalid device ordinal")
        return SimpleNamespace(retain_primary_context=self._context)

    def _context(self):
        def step(by, name):
            self.depth += by
            self.log.append((name,))

        return SimpleNamespace(
            push=lambda: step(1, "push"),
            pop=lambda: step(-1, "pop"),
            detach=lambda: self.log.append(("detach",)),
        )

    def _require_current(self):
        if self.depth < 1:
            raise self.Error("invalid device context: no currently active context?")

    def mem_alloc(self, nbytes):
        self._require_current()
        address, self._next = self._next, self._next + 0x100000
        self.memory[address] = np.zeros(nbytes, np.uint8)
        self.log.append(("mem_alloc", nbytes))
        return _Allocation(self, address)

    def pagelocked_empty(self, shape, dtype):
        self._require_current()
        self.log.append(("pagelocked_empty", shape))
        return np.empty(shape, dtype)

    def memcpy_htod_async(self, address, host, stream):
        self._require_current()
        self.memory[address][: host.nbytes] = host
        self.log.append(("htod", host.nbytes))

    def memcpy_dtoh_async(self, host, address, stream):
        self._require_current()
        host[:] = self.memory[address][: host.nbytes]
        self.log.append(("dtoh", host.nbytes))

    def mem_get_info(self):
        return 3 << 30, 8 << 30

    def Stream(self):
        self._require_current()
        return SimpleNamespace(handle=77, synchronize=lambda: self.log.append(("synchronize",)))

    def read(self, address, shape):
        size = int(np.prod(shape)) * 4
        return self.memory[address][:size].view(np.float32).reshape(shape)

    def write(self, address, array):
        data = np.ascontiguousarray(array, np.float32).view(np.uint8).reshape(-1)
        self.memory[address][: len(data)] = data


class _Allocation:
    def __init__(self, driver, address):
        self._driver, self._address = driver, address

    def __int__(self):
        return self._address

    def free(self):
        del self._driver.memory[self._address]
        self._driver.log.append(("free",))
