"""A histogram of |x| that needs one pass: its range grows by merging bins in pairs.

The range is always a power of two, so bins of different batches nest exactly: the counts do not
depend on the order of the images, and no value is ever moved to a wrong bin.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

BINS = 4096  # of which at least half are used: TensorRT's entropy search wants 2048
_LOWEST = -100  # exponent of the smallest range, far above float32's subnormals


class Histogram:
    """Counts of |x| over [0, 2**exponent) in BINS equal bins, with the extremes of x.

    Attributes:
        counts: (BINS,) int64.
        exponent: The range is [0, 2**exponent); the largest |x| lies in its upper half.
        low: Smallest x seen; inf before the first value.
        high: Largest x seen; -inf before the first value.
    """

    def __init__(self, *, counting: bool = True) -> None:
        """Start empty. Without `counting` only the extremes are kept (min-max calibration)."""
        self.counts = np.zeros(BINS, np.int64)
        self.exponent = _LOWEST
        self.low, self.high = math.inf, -math.inf
        self._counting = counting

    @property
    def amax(self) -> float:
        """Largest |x| seen; 0 before the first value."""
        return max(abs(self.low), abs(self.high)) if self.low <= self.high else 0.0

    @property
    def width(self) -> float:
        """Width of a bin."""
        return math.ldexp(1.0, self.exponent) / BINS

    @property
    def total(self) -> int:
        """Number of values counted."""
        return int(self.counts.sum())

    def add(self, values: Array) -> bool:
        """Count `values`.

        Args:
            values: float32 array of any shape.

        Returns:
            Whether all of them are finite; if not, nothing was counted.
        """
        if values.size == 0:
            return True
        flat = np.ascontiguousarray(values, np.float32).reshape(-1)
        low, high = float(flat.min()), float(flat.max())  # NaN passes through both
        if not (math.isfinite(low) and math.isfinite(high)):
            return False
        self.low, self.high = min(self.low, low), max(self.high, high)
        if self._counting:
            self._grow(max(abs(low), abs(high)))
            _counter()(flat, np.float32(1 / self.width), self.counts)
        return True

    def _grow(self, amax: float) -> None:
        """Double the range, merging neighbouring bins, until it holds `amax`."""
        if amax < math.ldexp(1.0, self.exponent):
            return
        exponent = math.frexp(amax)[1]  # amax < 2**exponent
        merged = min(exponent - self.exponent, BINS.bit_length() - 1)
        held = self.counts.reshape(-1, 1 << merged).sum(axis=1)
        self.counts = np.zeros(BINS, np.int64)
        self.counts[: held.size] = held
        self.exponent = exponent


def count_numpy(values: Array, per_unit: np.float32, counts: Array) -> None:
    """Add the histogram of |values| to `counts`; every |value| * per_unit is < len(counts).

    `per_unit` is a power of two, so the product is exact and both forms agree to the last count.
    """
    bins = (np.abs(values) * per_unit).astype(np.int64)
    counts += np.bincount(bins, minlength=counts.size)


@cache
def _counter() -> Callable[[Array, np.float32, Array], None]:
    """The compiled form where numba is installed, else numpy's."""
    try:
        from numba import njit
    except ImportError:
        return count_numpy
    return njit(cache=True, nogil=True)(_count)  # type: ignore[no-any-return]


def _count(values: Array, per_unit: np.float32, counts: Array) -> None:
    """Blocks: bins of a block are found with vector instructions, then counted.

    Four counters take turns: after a Relu most values fall into one bin, and waiting for the last
    addition to the same address would cost more than the addition.
    """
    lanes = np.zeros((4, counts.size), np.uint32)
    bins = np.empty(1024, np.int32)
    for start in range(0, values.size, 1024):
        length = min(1024, values.size - start)
        for i in range(length):
            bins[i] = np.int32(abs(values[start + i]) * per_unit)
        whole = length - length % 4
        for i in range(0, whole, 4):
            lanes[0, bins[i]] += np.uint32(1)
            lanes[1, bins[i + 1]] += np.uint32(1)
            lanes[2, bins[i + 2]] += np.uint32(1)
            lanes[3, bins[i + 3]] += np.uint32(1)
        for i in range(whole, length):
            lanes[0, bins[i]] += np.uint32(1)
    for at in range(counts.size):
        counts[at] += np.int64(lanes[0, at]) + lanes[1, at] + lanes[2, at] + lanes[3, at]
