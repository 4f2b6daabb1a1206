import sys

import numpy as np
import pytest

from edgecv.calibrate import histogram as module
from edgecv.calibrate.histogram import BINS, Histogram, count_numpy


def filled(*arrays: np.ndarray) -> Histogram:
    histogram = Histogram()
    for array in arrays:
        assert histogram.add(array.astype(np.float32))
    return histogram


def test_by_hand():
    histogram = filled(np.array([0.0, -0.5, 3.0, 3.0]))
    assert (histogram.low, histogram.high, histogram.amax) == (-0.5, 3.0, 3.0)
    assert histogram.width == 4 / BINS, "the range is the next power of two"
    assert dict(zip(*np.unique(histogram.counts, return_counts=True), strict=True)) == {
        0: BINS - 3, 1: 2, 2: 1
    }  # fmt: skip
    assert histogram.counts[[0, BINS // 8, 3 * BINS // 4]].tolist() == [1, 1, 2]


def test_range_grows_without_losing_a_value(rng):
    small, large = rng.normal(0, 1e-3, 5000), rng.normal(0, 40, 5000)
    grown = filled(small, large)
    once = filled(np.concatenate([small, large]))
    assert grown.total == 10_000
    assert (grown.counts == once.counts).all()
    assert grown.exponent == once.exponent


def test_growth_by_hand():
    """Range 1 -> 4: the bins of 0.5 and of 0.75 move to an eighth and to 3/16 of the new range."""
    histogram = filled(np.array([0.5, 0.75]))
    assert np.flatnonzero(histogram.counts).tolist() == [BINS // 2, 3 * BINS // 4]
    histogram.add(np.array([2.0], np.float32))
    assert np.flatnonzero(histogram.counts).tolist() == [BINS // 8, 3 * BINS // 16, BINS // 2]


def test_order_and_batching_do_not_matter(rng):
    values = (rng.standard_t(3, 4096) * np.geomspace(1e-6, 1e3, 4096)).astype(np.float32)
    one = filled(values[::-1])
    other = filled(*np.split(values, 16))
    assert (one.counts == other.counts).all()
    assert (one.low, one.high) == (other.low, other.high)


def test_upper_half_of_the_range_is_used(rng):
    for scale in (1e-20, 0.3, 1.0, 7.0, 1e20):
        histogram = filled(rng.normal(0, scale, 100))
        assert BINS // 2 <= int(histogram.amax / histogram.width) < BINS


def test_numba_and_numpy_agree_to_the_count(rng):
    pytest.importorskip("numba")
    values = rng.normal(size=4099).astype(np.float32)
    values[::3] = 0
    ours, theirs = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
    module._counter()(values, np.float32(BINS / 8), ours)
    count_numpy(values, np.float32(BINS / 8), theirs)
    assert (ours == theirs).all()


def test_works_without_numba(monkeypatch, rng):
    values = rng.normal(size=5000)
    compiled = filled(values).counts
    monkeypatch.setitem(sys.modules, "numba", None)
    module._counter.cache_clear()
    try:
        assert module._counter() is count_numpy
        assert (filled(values).counts == compiled).all()
    finally:
        module._counter.cache_clear()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_is_refused_and_not_counted(bad):
    histogram = filled(np.array([1.0]))
    assert not histogram.add(np.array([2.0, bad], np.float32))
    assert (histogram.total, histogram.high) == (1, 1.0)


def test_zeros_and_nothing():
    histogram = filled(np.zeros(7), np.zeros((0, 3)))
    assert (histogram.amax, histogram.total, histogram.counts[0]) == (0.0, 7, 7)
    assert Histogram().amax == 0


def test_minmax_needs_no_counts(rng):
    histogram = Histogram(counting=False)
    histogram.add(rng.normal(size=10).astype(np.float32))
    assert histogram.total == 0
    assert histogram.amax > 0
