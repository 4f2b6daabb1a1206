import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.metrics.bootstrap import image_weights, percentile_interval


def test_every_resample_draws_as_many_images_as_there_are():
    weights = image_weights(50, 300, seed=1)
    assert weights.shape == (300, 50)
    assert (weights.sum(1) == 50).all()
    assert abs(weights.mean() - 1) < 1e-6
    assert weights.var() == pytest.approx(1 - 1 / 50, abs=0.05)  # multinomial


def test_seed_decides():
    assert np.array_equal(image_weights(9, 5, 3), image_weights(9, 5, 3))
    assert not np.array_equal(image_weights(9, 5, 3), image_weights(9, 5, 4))


def test_interval_of_a_proportion_is_the_normal_one():
    hits = np.arange(4000) % 20 > 0  # 95 %
    values = image_weights(4000, 4000, 0) @ hits / 4000
    low, high = percentile_interval(values)
    half = 1.96 * np.sqrt(0.95 * 0.05 / 4000)
    assert (low, high) == pytest.approx((0.95 - half, 0.95 + half), abs=0.15 * half)


def test_by_hand_and_undefined_resamples():
    values = np.append(np.arange(101.0), np.nan)
    assert percentile_interval(values, 0.9) == pytest.approx((5, 95))
    assert percentile_interval(np.array([np.nan])) is None
    assert percentile_interval(np.zeros(0)) is None


def test_no_images_is_refused():
    with pytest.raises(ShapeError, match="at least one image"):
        image_weights(0, 10)
