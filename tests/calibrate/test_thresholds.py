from itertools import pairwise

import numpy as np
import pytest

from edgecv.calibrate.histogram import Histogram
from edgecv.calibrate.thresholds import (
    entropy_bins,
    error_ratio,
    mse_bins,
    percentile_bins,
    threshold,
)

METHODS = ("minmax", "entropy", "percentile", "mse")


def seen(values: np.ndarray) -> Histogram:
    histogram = Histogram()
    histogram.add(np.asarray(values, np.float32))
    return histogram


def kl_by_definition(counts: np.ndarray) -> list[float]:
    """KL(P || Q) of every candidate, written out loop by loop."""
    bins = counts.astype(np.float64).copy()
    bins[0] = bins[1]
    found = []
    for kept in range(128, len(bins) + 1):
        p = bins[:kept].copy()
        p[-1] += bins[kept:].sum()
        q = np.zeros(kept)
        edges = [-(-kept * group // 128) for group in range(129)]
        for start, stop in pairwise(edges):
            group = bins[start:stop]
            if group.any():
                q[start:stop][group > 0] = group.sum() / np.count_nonzero(group)
        p, q = p / p.sum(), q / max(q.sum(), 1e-300)
        with np.errstate(divide="ignore", invalid="ignore"):
            found.append(float(np.where(p > 0, p * np.log(p / q), 0).sum()))
    return found


@pytest.mark.parametrize("shape", ["normal", "relu", "heavy-tailed", "two-peaks"])
def test_entropy_is_the_definition(rng, shape):
    values = {
        "normal": rng.normal(size=5000),
        "relu": np.maximum(rng.normal(size=5000), 0),
        "heavy-tailed": rng.standard_t(3, size=5000),
        "two-peaks": np.concatenate([rng.normal(0, 0.1, 4000), rng.normal(3, 0.1, 40)]),
    }[shape]
    counts, _ = np.histogram(np.abs(values), bins=700)
    divergence = kl_by_definition(counts)
    best = 128 + len(divergence) - 1 - int(np.argmin(np.round(divergence[::-1], 12)))
    assert entropy_bins(counts) == best


def test_entropy_by_hand_keeps_what_128_levels_hold_exactly():
    """Bins alike in pairs: 256 bins into 128 levels lose nothing, and there is no outlier."""
    pairs = np.repeat(np.arange(1, 129), 2)
    assert entropy_bins(pairs) == 256


def test_entropy_drops_a_lone_outlier(rng):
    values = np.append(rng.normal(size=200_000), 60.0)
    assert threshold(seen(values), "entropy") < 12


def test_percentile_by_hand():
    counts = np.array([5, 3, 1, 1])
    assert [percentile_bins(counts, p) for p in (50, 50.1, 80, 90, 90.1, 100)] == [1, 2, 2, 3, 4, 4]


def test_mse_by_hand():
    """A million values that int8 holds exactly up to 127 bins, and one far outlier.

    Clipping it costs (1000 - 127)^2 once; keeping it would cost about step^2 / 12 for each.
    """
    counts = np.zeros(1000, np.int64)
    counts[:127] = 10**6 // 127
    counts[-1] = 1
    assert mse_bins(counts) < 200
    counts[-1] = 10**7
    assert mse_bins(counts) > 900


def test_mse_beats_every_other_threshold(rng):
    values = rng.laplace(size=50_000).astype(np.float32)
    histogram = seen(values)

    def error(clip: float) -> float:
        step = clip / 127
        return float(np.mean((values - np.clip(np.rint(values / step), -127, 127) * step) ** 2))

    chosen = error(threshold(histogram, "mse"))
    others = [error(histogram.amax * share) for share in np.linspace(0.05, 1, 200)]
    assert chosen <= min(others) * 1.01


@pytest.mark.parametrize("method", METHODS)
def test_edges(method):
    assert threshold(seen(np.zeros(100)), method) == 0
    constant = threshold(seen(np.full(1000, -2.5)), method)
    assert constant == pytest.approx(2.5, rel=1e-3)
    assert threshold(seen(np.array([3e-30])), method) > 0
    assert 0 < threshold(seen(np.array([1.0, 0.0])), method) <= 1


@pytest.mark.parametrize("method", METHODS)
def test_threshold_never_passes_the_largest_value(rng, method):
    for scale in (1e-3, 1.0, 50.0):
        histogram = seen(rng.normal(0, scale, 3000))
        assert 0 < threshold(histogram, method) <= histogram.amax


def piled(rng):
    """A ReLU6 over pictures with a flat background: one value makes a tenth of all."""
    slope = np.minimum(rng.exponential(1, 20_000), 6)
    return np.concatenate([np.zeros(25_000), np.full(5_000, 0.86), slope])


def test_entropy_clips_at_a_pile_and_mse_does_not(rng):
    histogram = seen(piled(rng))
    assert threshold(histogram, "entropy") < 0.9
    assert threshold(histogram, "mse") == pytest.approx(6, rel=0.02)


def test_error_ratio_is_that_of_rounding_the_values(rng):
    values = np.abs(rng.normal(size=50_000)).astype(np.float32)
    histogram = seen(values)

    def error(clip):
        step = clip / 127
        return np.square(np.clip(np.rint(values / step), 0, 127) * step - values).sum()

    least = min(error(clip) for clip in np.linspace(2, values.max(), 60))
    for clip in (1.5, 3.0, float(values.max())):
        assert error_ratio(histogram, clip) == pytest.approx(error(clip) / least, rel=0.05)


def test_error_ratio_tells_a_bad_threshold(rng):
    histogram = seen(piled(rng))
    assert error_ratio(histogram, threshold(histogram, "mse")) == pytest.approx(1, abs=0.01)
    assert error_ratio(histogram, threshold(histogram, "entropy")) > 10


@pytest.mark.parametrize("bins", [mse_bins, entropy_bins], ids=["mse", "entropy"])
def test_zeros_do_not_move_the_threshold(rng, bins):
    """After a Relu half of all values are 0; int8 holds 0 exactly at every threshold."""
    counts = np.histogram(np.abs(rng.normal(0, 60, 20_000)), 400, (0, 400))[0]
    counts[-1] = 1
    many = counts.copy()
    many[0] += 10**9
    assert bins(many) == bins(counts) > 140
