"""Kernels: a compiled .cu file in the device's memory, and the functions launched from it."""

from __future__ import annotations

from typing import Any

from edgecv.cuda.memory import DeviceArray
from edgecv.cuda.stream import Stream

_CODES = "PiIfq"  # struct's letters: address, int32, uint32, float32, int64
_SHARED_LIMIT = 48 << 10  # bytes of dynamic shared memory a launch may ask without opting in


class Kernel:
    """One `extern "C" __global__` function with its argument types."""

    def __init__(self, driver: Any, function: Any, name: str, codes: str) -> None:
        """See `Kernels.function`, which makes them."""
        self.name = name
        self._driver, self._function, self._codes = driver, function, codes
        self._shared = _SHARED_LIMIT
        function.prepare(codes)

    def launch(
        self,
        stream: Stream,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        *args: DeviceArray | int | float,
        shared: int = 0,
    ) -> None:
        """Put a launch into `stream`; it returns at once. Inside `session.current()`.

        Args:
            stream: Where it runs, in order.
            grid: Blocks along x, y, z (one to three numbers).
            block: Threads of a block along x, y, z.
            *args: As many as the kernel takes: device arrays or addresses for `P`, else numbers.
            shared: Bytes of dynamic shared memory.

        Raises:
            TypeError: the arguments are not what `Kernels.function` was told.
        """
        if self._function is None:
            raise ValueError(f"{self.name} was launched after its session was closed")
        if len(args) != len(self._codes):
            raise TypeError(f"{self.name} takes {len(self._codes)} arguments, got {len(args)}")
        if shared > self._shared:
            limit = self._driver.function_attribute.MAX_DYNAMIC_SHARED_SIZE_BYTES
            self._function.set_attribute(limit, shared)
            self._shared = shared
        values = [self._value(code, arg) for code, arg in zip(self._codes, args, strict=True)]
        self._function.prepared_async_call(
            _three(grid), _three(block), stream.raw, *values, shared_size=shared
        )

    def close(self) -> None:
        """Let go of the module; see `Kernels.close`."""
        self._function = None

    def _value(self, code: str, arg: DeviceArray | int | float) -> int | float:
        if isinstance(arg, DeviceArray):
            if code != "P":
                raise TypeError(f"{self.name}: a device array was given where {code!r} is wanted")
            return arg.address
        return float(arg) if code == "f" else int(arg)


class Kernels:
    """The functions of one compiled .cu file. Kept by the session, one per file and definitions."""

    def __init__(self, driver: Any, module: Any) -> None:
        """See `Session.kernels`, which makes them."""
        self._driver, self._module = driver, module
        self._made: list[Kernel] = []

    def function(self, name: str, codes: str) -> Kernel:
        """A kernel by name.

        Args:
            name: As in the .cu file.
            codes: A letter an argument: P address, i int32, I uint32, f float32, q int64.
        """
        strange = set(codes) - set(_CODES)
        if strange:
            raise TypeError(f"{name}: unknown argument types {sorted(strange)}, known: {_CODES}")
        kernel = Kernel(self._driver, self._module.get_function(name), name, codes)
        self._made.append(kernel)
        return kernel

    def close(self) -> None:
        """Unload; its kernels cannot be launched afterwards."""
        for kernel in self._made:
            kernel.close()
        self._made, self._module = [], None


def _three(sides: tuple[int, ...]) -> tuple[int, int, int]:
    x, y, z = (*sides, 1, 1)[:3]
    return int(x), int(y), int(z)
