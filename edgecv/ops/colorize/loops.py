"""The compiled loop of colorize, imported only where numba is."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from edgecv.ops._jit import jit

Array = npt.NDArray[Any]


@jit
def blend(labels: Array, color: Array, rest: Array, picture: Array, out: Array) -> None:
    """See `cpu.colorize`; `color` is weighed and rounded already, `rest` the picture's weight."""
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            label = labels[y, x]
            weight = rest[label]
            for c in range(3):
                out[y, x, c] = (picture[y, x, c] * weight + color[label, c]) >> 8
