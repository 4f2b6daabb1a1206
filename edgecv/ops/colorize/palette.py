"""Colours of classes: the same for every picture, far apart for neighbouring ids."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

UNPAINTED = ("background", "__background__", "void", "unlabeled")


@cache
def palette() -> Array:
    """(256, 3) uint8 BGR, read-only; class 0 is black.

    The colour map of PASCAL VOC: bits 0, 3, 6 of the id go to red from its highest bit down, bits
    1, 4, 7 to green, 2, 5 to blue.
    """
    ids = np.arange(256)
    colors = np.zeros((256, 3), np.int64)
    for bit in range(8):
        for channel, first in ((2, 0), (1, 1), (0, 2)):
            colors[:, channel] |= (ids >> (3 * bit + first) & 1) << (7 - bit)
    out = colors.astype(np.uint8)
    out.flags.writeable = False
    return out


def painted(names: tuple[str, ...]) -> Array:
    """(256,) bool: which classes get paint; the first one does not if it is called background."""
    mask = np.ones(256, bool)
    mask[0] = not (names and names[0].lower() in UNPAINTED)
    return mask
