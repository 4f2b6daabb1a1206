"""Grounds of drawn pictures: cuts of real photographs, and sensor noise over everything."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.images import opencv

Array = npt.NDArray[Any]


def background(levels: tuple[Array, ...], size: int, rng: np.random.Generator) -> Array:
    """A (size, size, 3) uint8 cut of a photograph: random place, scale, mirroring and exposure.

    Args:
        levels: The photograph and its halvings (`photographs.pyramid`); the one that needs to be
            shrunk by less than 2 is cut, so bilinear interpolation does not alias.
        size: Height and width of the result in pixels.
        rng: Where the randomness comes from.
    """
    cv2 = opencv()
    draw = rng.random(6)
    share = 0.25 + 0.75 * draw[0]
    fine = [level for level in levels if share * min(level.shape[:2]) >= size]
    level = fine[-1] if fine else levels[0]
    side = int(min(level.shape[:2]) * share)
    top = int((level.shape[0] - side + 1) * draw[1])
    left = int((level.shape[1] - side + 1) * draw[2])
    cut = cv2.resize(level[top : top + side, left : left + side], (size, size))
    if draw[3] < 0.5:
        cut = cv2.flip(cut, 1)
    gain, bias = 0.6 + 0.6 * draw[4], 50.0 * (draw[5] - 0.5)
    exposed: Array = cv2.convertScaleAbs(cut, alpha=gain, beta=max(bias, 0.0))
    return exposed


@lru_cache(maxsize=8)
def _noise_bank(size: int) -> Array:
    """(size + 64, size + 64, 3) float32 standard normal noise, the same in every process."""
    shape = (size + 64, size + 64, 3)
    return np.random.default_rng(20_000_003).standard_normal(shape, np.float32)


def add_noise(image: Array, greatest: float, rng: np.random.Generator) -> None:
    """Add sensor noise to a square (S, S, 3) uint8 picture in place.

    Its standard deviation is drawn from 0..greatest grey levels; the noise is a window of a fixed
    bank, since drawing it anew takes longer than everything else.
    """
    draw = rng.random(3)
    top, left = int(64 * draw[0]), int(64 * draw[1])
    size = image.shape[0]
    window = _noise_bank(size)[top : top + size, left : left + size]
    deviation = greatest * float(draw[2])
    noisy = image + window * deviation
    np.clip(np.rint(noisy, out=noisy), 0, 255, out=noisy)
    image[...] = noisy.astype(np.uint8)
