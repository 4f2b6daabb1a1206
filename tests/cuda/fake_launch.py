"""Modules and kernels of the fake driver: the cubin says which .cu it was made from."""

from functools import cache
from pathlib import Path

from edgecv.cuda.cubins import PACKAGE, origin_of
from edgecv.cuda.cubins import _literal as literal
from tests.cuda_emulator import emulator

TESTS = Path(__file__).resolve().parents[1]
_SHARED_LIMIT = 48 << 10


class FakeModule:
    """pycuda's Module over an emulated library."""

    def __init__(self, driver, cubin: bytes):
        origin = origin_of(cubin)
        if origin is None:
            raise driver.LogicError("cuModuleLoadDataEx failed: device kernel image is invalid")
        self._driver = driver
        name, defines = origin
        source = _find(name, tuple(driver.sources))
        driver.loaded.append(source)
        self._bounds = emulator.launch_bounds(source)
        self._library = emulator.build(source, {k: literal(v) for k, v in defines.items()})

    def get_function(self, name):
        try:
            most = self._bounds.get(name, 1024)
            return FakeFunction(self._driver, self._library.function(name), most)
        except KeyError as err:
            raise self._driver.LogicError(
                f"cuModuleGetFunction failed: named symbol not found ({name})"
            ) from err


class FakeFunction:
    """pycuda's Function: prepare, prepared_async_call, set_attribute."""

    def __init__(self, driver, emulated, most):
        self._driver, self._emulated, self._most = driver, emulated, most
        self._codes, self._limit = "", _SHARED_LIMIT

    def prepare(self, arg_types, texrefs=()):
        self._codes = "".join(arg_types)
        return self

    def set_attribute(self, attribute, value):
        self._driver._entered("set_attribute", attribute, value)
        if value > emulator.DYNAMIC_SHARED:
            raise self._driver.LogicError("cuFuncSetAttribute failed: invalid argument")
        self._limit = value

    def prepared_async_call(self, grid, block, stream, *args, shared_size=0):
        driver = self._driver
        driver._entered("launch", self._emulated.name, tuple(grid), tuple(block))
        threads = block[0] * block[1] * block[2]
        if not 0 < threads <= 1024 or min(grid) < 1 or max(grid[1:]) > 65535:
            raise driver.LogicError(f"cuLaunchKernel failed: invalid argument {grid} {block}")
        if threads > self._most:
            raise driver.LaunchError(
                "cuLaunchKernel failed: too many resources requested for launch"
            )
        if shared_size > self._limit:
            raise driver.LogicError("cuLaunchKernel failed: too much dynamic shared memory")
        for at, (code, value) in enumerate(zip(self._codes, args, strict=True)):
            if code == "P" and value and not driver.reachable(value):
                raise driver.LaunchError(
                    f"{self._emulated.name}: argument {at} points to no live device memory"
                )
        codes = self._codes
        stream.submit(
            lambda: self._emulated.launch(
                grid, block, codes, args, shared=shared_size, order=driver.order
            )
        )


@cache
def _find(name: str, more: tuple[Path, ...]) -> Path:
    """The .cu file a cubin names: below the package, else by its bare name among the tests'."""
    inside = PACKAGE / name
    if inside.is_file():
        return inside
    found = [path for path in (*more, *TESTS.rglob("*.cu")) if path.name == name]
    if len(found) != 1:
        raise LookupError(f"{len(found)} kernel files are called {name}: {found}")
    return found[0]
