"""The bootstrap over images: how much would the number move with other held-out images?"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError

Array = npt.NDArray[Any]


def image_weights(images: int, resamples: int, seed: int = 0) -> Array:
    """How often each image is drawn in each resample.

    `images` are drawn with replacement from `images`. Use the same weights for two models to get
    the distribution of their difference (a paired bootstrap).

    Args:
        images: Number of images judged, >= 1.
        resamples: Number of resamples.
        seed: The same seed gives the same weights.

    Returns:
        (resamples, images) float32 counts; each row sums to `images`.

    Raises:
        ShapeError: there are no images.

    Source: Efron, "Bootstrap Methods: Another Look at the Jackknife", Ann. Statist. 7 (1979).
    """
    if images < 1:
        raise ShapeError("image_weights: there must be at least one image", images=images)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(images, size=(resamples, images))
    flat = drawn + images * np.arange(resamples)[:, None]
    counts = np.bincount(flat.ravel(), minlength=resamples * images)
    return counts.reshape(resamples, images).astype(np.float32)


def percentile_interval(values: Array, level: float = 0.95) -> tuple[float, float] | None:
    """The central share `level` of bootstrap values, by linear interpolation of percentiles.

    Args:
        values: (R,) resampled values; nan (a resample on which the metric is undefined) is left
            out.
        level: 0..1, exclusive.

    Returns:
        (low, high), or None if no value is left.
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return None
    tail = (1 - level) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return float(low), float(high)
