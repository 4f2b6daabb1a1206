"""Which keypoints of two pictures belong together."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy.typing as npt

Array = npt.NDArray[Any]


class Matches(NamedTuple):
    """Pairs of keypoints, by rising index in the first picture; `edgecv.ops.match` made them.

    Attributes:
        pairs: (K, 2) int64 indices into the two pictures' features.
        distances: (K,) float32 distances of their descriptors.
    """

    pairs: Array
    distances: Array
