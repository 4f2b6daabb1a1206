"""numba where it is installed (extra `cpu`): plain loops compiled once, cached on disk.

Every compiled loop has a numpy or OpenCV form beside it that gives the same bits, so a machine
without numba is slower and nothing else. Loops are single-threaded and release the GIL: the
threads belong to the engine.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

DISABLE = "EDGECV_NO_NUMBA"  # set to 1 to run the numpy forms (tests, debugging)


def jit_available() -> bool:
    """Whether compiled loops are used: numba is installed and not switched off."""
    return os.environ.get(DISABLE) != "1" and _installed()


@cache
def _installed() -> bool:
    return find_spec("numba") is not None


def jit(loop: F) -> F:
    """Compile `loop` at its first call; keep the machine code in numba's cache if it has one."""
    from numba import njit

    options = {"nogil": True, "error_model": "numpy"}
    try:
        compiled: F = njit(cache=True, **options)(loop)
    except RuntimeError:  # no writable folder for the cache: compile in every process
        compiled = njit(**options)(loop)
    return compiled
