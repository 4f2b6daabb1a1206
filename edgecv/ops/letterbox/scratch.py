"""Buffers a thread keeps between frames: a steady stream of frames allocates nothing."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

_local = threading.local()


def scratch(name: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """This thread's uint8 buffer called `name`; its contents are whatever was left there."""
    kept: npt.NDArray[Any] | None = getattr(_local, name, None)
    if kept is None or kept.shape != shape:
        kept = np.empty(shape, np.uint8)
        setattr(_local, name, kept)
    return kept
