"""CPU twin of colorize: one pass in numba, a few in numpy; the bits are equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available

Array = npt.NDArray[Any]


def colorize(labels: Array, paint: Array, picture: Array | None, out: Array) -> None:
    """See `edgecv.ops.colorize`; the arguments are checked there."""
    if picture is None:
        out[:] = 0
        picture = out
    color = (paint[:, :3] * paint[:, 3:] + 128).astype(np.uint16)  # at most 65408
    rest = (256 - paint[:, 3]).astype(np.uint16)
    if jit_available():
        from edgecv.ops.colorize import loops

        loops.blend(labels, color, rest, picture, out)
        return
    # both terms together stay below 2^16: 255 * 256 + 128
    out[:] = (picture * rest[labels][:, :, None] + color[labels]) >> 8
