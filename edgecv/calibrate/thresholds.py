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
_CHUNK = 256  # candidates of the entropy search at a time: their arrays stay in cache
_TINY = 1e-300
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
    """Fewest leading bins that hold at least `percentile` percent of the (bins,) counts."""
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
    parts = [
        _cross_entropy(inside, nonempty, candidates[at : at + _CHUNK])
        for at in range(0, candidates.size, _CHUNK)
    ]
    cross, top_level = (np.concatenate(part) for part in zip(*parts, strict=True))

    last, outliers = bins[candidates - 1], total - inside[candidates]
    with np.errstate(divide="ignore", invalid="ignore"):
        cross += np.where(outliers > 0, outliers * np.log(top_level), 0.0)
        divergence = own[candidates - 1] + _xlogx(last + outliers) - cross
        divergence = divergence / total - np.log(total) + np.log(inside[candidates])
    divergence[(last == 0) & (outliers > 0)] = np.inf  # Q is empty where P is not
    divergence[inside[candidates] == 0] = np.inf
    best = divergence.size - 1 - int(np.argmin(np.round(divergence[::-1], 12)))
    return int(candidates[best])


def _cross_entropy(inside: Array, nonempty: Array, candidates: Array) -> tuple[Array, Array]:
    """Sum of counts * log(Q's unscaled level) for each candidate, and Q's level in its last bin."""
    edges = -(-candidates[:, None] * np.arange(LEVELS + 1) // LEVELS)  # ceil: group boundaries
    mass = np.diff(inside[edges], axis=1)
    level = mass / np.maximum(np.diff(nonempty[edges], axis=1), 1)
    logs = np.log(np.maximum(level, _TINY))  # an empty group has no mass: its log is not counted
    return np.einsum("ij,ij->i", mass, logs), np.maximum(level[:, -1], _TINY)


def mse_bins(counts: Array) -> int:
    """Number of leading bins whose end, as threshold, gives the least mean squared error.

    Values are taken as spread evenly within their bin, so every error is an exact integral:
    sum over levels k of the integral of (x - k * step)^2, from cumulative moments, the last level
    taking all that is clipped. The first bin is left out: its values (Relu's zeros) round to 0 at
    every threshold.

    Args:
        counts: (n,) histogram of |x| whose last bin is not empty.
    """
    fewest = min(LEVELS, counts.size)  # below, a level is finer than a bin and tells nothing
    candidates = np.unique(np.linspace(fewest, counts.size, _CANDIDATES).round())
    errors = _squared_errors(counts, candidates)
    best = errors.size - 1 - int(np.argmin(errors[::-1]))
    return int(candidates[best])


def error_ratio(histogram: Histogram, clip: float) -> float:
    """Mean squared error of int8 at a threshold, in units of the least that any threshold gives.

    Args:
        histogram: What was seen of the tensor.
        clip: The threshold, > 0.

    Returns:
        About 1 for a good threshold; 1 where there is no error to speak of.
    """
    counts = histogram.counts[: int(histogram.amax / histogram.width) + 1]
    bins = np.array([clip / histogram.width, mse_bins(counts)])
    asked, least = _squared_errors(counts, np.minimum(bins, counts.size))
    return float(asked / least) if least > 0 else 1.0


def _squared_errors(counts: Array, candidates: Array) -> Array:
    """Sum of squared errors, in bins, at each threshold (in bins, at most n)."""
    density = np.asarray(counts, np.float64).copy()
    density[0] = 0
    levels = np.arange(LEVELS)
    steps = np.asarray(candidates, np.float64)[:, None] / (LEVELS - 1)
    inner = (levels[1:] - 0.5) * steps
    ends = np.zeros_like(steps), np.full_like(steps, density.size)
    edges = np.concatenate([ends[0], inner, ends[1]], axis=1)
    mass, first, second = (_moment(density, edges, order) for order in range(3))
    errors: Array = second.sum(axis=1)
    errors += (steps * levels * (steps * levels * mass - 2 * first)).sum(axis=1)
    return errors


def _moment(density: Array, edges: Array, order: int) -> Array:
    """Integrals of density * x**order between neighbouring `edges` (in bins, rows ascending)."""
    power = order + 1
    corners = np.arange(density.size + 1, dtype=np.float64) ** power / power
    below = _prefix(density * np.diff(corners))
    bins = np.minimum(edges.astype(np.int64), density.size - 1)
    cumulative = below[bins] + density[bins] * (edges**power / power - corners[bins])
    return np.diff(cumulative, axis=1)


def _prefix(values: Array) -> Array:
    return np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))


def _xlogx(values: Array) -> Array:
    return values * np.log(values, out=np.zeros_like(values), where=values > 0)
