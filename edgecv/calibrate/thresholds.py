"""Choose the clipping threshold of a tensor from its histogram.

A threshold T gives the int8 scale T / 127. A large T keeps the outliers and rounds coarsely, a
small one clips them and rounds finely.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.calibrate.histogram import Histogram

Array = npt.NDArray[Any]

LEVELS = 128  # int8 magnitudes that the entropy search spreads the kept bins over
_CANDIDATES = 512  # of the mse search, evenly spaced up to the largest |x|


def threshold(histogram: Histogram, method: str, percentile: float = 99.99) -> float:
    """The clipping threshold of one tensor.

    Args:
        histogram: What was seen of it.
        method: `minmax`, `entropy`, `percentile` or `mse`.
        percentile: For `percentile`: share of |values| kept, in percent, zeros included.

    Returns:
        A value in 0..amax; 0 only for a tensor that was always zero.
    """
    amax = histogram.amax
    if method == "minmax" or amax == 0:
        return amax
    counts = histogram.counts[: int(amax / histogram.width) + 1]
    if method == "percentile":
        bins = percentile_bins(counts, percentile)
    else:
        bins = entropy_bins(counts) if method == "entropy" else mse_bins(counts)
    return min(bins * histogram.width, amax)


def percentile_bins(counts: Array, percentile: float) -> int:
    """Fewest leading bins that hold at least `percentile` percent of the counts."""
    reached = np.cumsum(counts)
    return int(np.searchsorted(reached, reached[-1] * (percentile / 100), side="left")) + 1


def entropy_bins(counts: Array) -> int:
    """Number of leading bins whose 128-level form loses the least information (KL divergence).

    For every candidate i of 128..n: P is the first i bins with all outliers added to the last,
    Q is the first i bins without outliers, averaged within each of 128 equal groups over the bins
    that are not empty. The candidate with the smallest KL(P || Q) wins, the larger at a tie. The
    first bin takes its neighbour's count: exact zeros (Relu) cost nothing in int8 and would
    drown the rest. float64, by prefix sums: O(n * 128) for all candidates together.

    Args:
        counts: (n,) histogram of |x| whose last bin is not empty.

    Source: Migacz, "8-bit Inference with TensorRT", GTC 2017.
    """
    bins = np.asarray(counts, np.float64).copy()
    if bins.size <= LEVELS:
        return bins.size
    bins[0] = bins[1]
    total = bins.sum()
    if total == 0:
        return bins.size
    candidates = np.arange(LEVELS, bins.size + 1)
    inside, nonempty, own = (_prefix(v) for v in (bins, bins > 0, _xlogx(bins)))

    edges = -(-candidates[:, None] * np.arange(LEVELS + 1) // LEVELS)  # ceil: group boundaries
    mass = np.diff(inside[edges], axis=1)
    members = np.diff(nonempty[edges], axis=1)
    level = np.divide(mass, members, out=np.ones_like(mass), where=members > 0)
    cross = (mass * np.log(level, out=np.zeros_like(mass), where=level > 0)).sum(axis=1)

    last, outliers = bins[candidates - 1], total - inside[candidates]
    with np.errstate(divide="ignore", invalid="ignore"):
        cross += np.where(outliers > 0, outliers * np.log(level[:, -1]), 0.0)
        divergence = own[candidates - 1] + _xlogx(last + outliers) - cross
        divergence = divergence / total - np.log(total) + np.log(inside[candidates])
    divergence[(last == 0) & (outliers > 0)] = np.inf  # Q is empty where P is not
    divergence[inside[candidates] == 0] = np.inf
    best = divergence.size - 1 - int(np.argmin(np.round(divergence[::-1], 12)))
    return int(candidates[best])


def mse_bins(counts: Array) -> int:
    """Number of leading bins whose end, as threshold, gives the least mean squared error.

    Every bin stands for four points in it; rounding is half to even, as QuantizeLinear's. The
    first bin is left out: its values (Relu's zeros) round to 0 at every threshold.

    Args:
        counts: (n,) histogram of |x| whose last bin is not empty.
    """
    filled = np.flatnonzero(counts[1:]) + 1
    points = (filled[:, None] + (np.arange(4) + 0.5) / 4).reshape(-1)
    weights = np.repeat(np.asarray(counts, np.float64)[filled] / 4, 4)
    fewest = min(LEVELS, counts.size)  # below, a level is finer than a bin and tells nothing
    candidates = np.unique(np.linspace(fewest, counts.size, _CANDIDATES).round().astype(np.int64))
    errors = np.empty(candidates.size)
    for at, bins in enumerate(candidates):
        step = bins / (LEVELS - 1)
        rounded = np.minimum(np.rint(points / step), LEVELS - 1) * step
        errors[at] = weights @ (points - rounded) ** 2
    best = errors.size - 1 - int(np.argmin(errors[::-1]))
    return int(candidates[best])


def _prefix(values: Array) -> Array:
    return np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))


def _xlogx(values: Array) -> Array:
    return values * np.log(values, out=np.zeros_like(values), where=values > 0)
