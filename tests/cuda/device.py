"""A session for tests: the real Session over the fake driver, or over a real device.

`session` (tests/conftest.py) yields one inside `current()`. On the fake, kernels run on the CPU
emulator in the order of the parameter; at the end, what is still in a stream runs, guard zones are
looked at, and nothing may be left allocated.
"""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

from edgecv.cuda import cubins, nvrtc
from edgecv.cuda import driver as cuda_driver
from edgecv.cuda.session import Session
from tests.cuda.fake_libcuda import FakeLibcuda
from tests.cuda.fake_pycuda import FakeDriver
from tests.cuda_emulator.emulator import missing_compiler

ORDERS = ("forward", "reverse", "shuffled")


def install(monkeypatch: pytest.MonkeyPatch, **options) -> FakeDriver:
    """Put a fake pycuda and a fake libcuda.so.1 in the place of the real ones."""
    fake = FakeDriver(**options)
    package = ModuleType("pycuda")
    package.driver = fake
    monkeypatch.setitem(sys.modules, "pycuda", package)
    monkeypatch.setitem(sys.modules, "pycuda.driver", fake)
    monkeypatch.setattr(cuda_driver, "open_driver", lambda: FakeLibcuda(fake))
    if not nvrtc.installed():  # the emulator needs only the name of the source
        monkeypatch.setattr(cubins, "find_nvrtc", lambda *_: OriginOnly())
    return fake


class OriginOnly:
    """Stands for NVRTC where it is not installed: a "cubin" of the source's origin alone."""

    version = (0, 0)

    def compile(self, source, name, headers, options):
        written = re.findall(r'edgecv_origin\[\] = (".*");', source)[-1]
        return b"\x7fELF" + json.loads(written).encode() + b"\0"


@contextmanager
def open_session(kind: str, monkeypatch: pytest.MonkeyPatch, **options) -> Iterator[Session]:
    """A session inside `current()`: `gpu`, or emulated in one of `ORDERS`."""
    fake = None
    if kind != "gpu":
        if reason := missing_compiler():
            pytest.skip(reason)
        fake = install(monkeypatch, order=kind, **options)
    session = Session()
    try:
        with session.current():
            yield session
            session.synchronize()
    finally:
        if fake:
            fake.finish()
        session.close()
    if fake:
        assert fake.memory == {}
        assert (fake.depth, fake.stacks.stray(), fake.retained) == (0, 0, 0)


def log_of(session: Session) -> list[tuple] | None:
    """The fake driver's calls, oldest first; None on a real device."""
    return getattr(session._driver, "log", None)
