"""Pasting handwritten digits into a picture: where their ink falls, and in which colour."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.data import handwriting
from edgecv.images import opencv

Array = npt.NDArray[Any]

INK = 128  # alpha from which a pixel belongs to a digit
_LEVELS = np.arange(0.0, 256.0, 15.0)  # grey levels that ink may have


class Style(NamedTuple):
    """Heights as shares of the scene's side, and the greatest rotation in degrees."""

    smallest: float
    largest: float
    rotation: float


class Patch(NamedTuple):
    """A warped digit where it meets the scene: corner (x, y) and (h, w) uint8 alpha."""

    x: int
    y: int
    alpha: Array


def warp_digit(digit: int, draw: Array, at: Array, size: int, style: Style) -> Patch:
    """Scale, turn and shear a digit, and cut it where it leaves the scene.

    Args:
        digit: Number of the digit in `handwriting.digits`.
        draw: At least 4 uniform numbers: height, width, rotation, shear.
        at: 2 uniform numbers: place in x and y. Up to a fifth of a digit may leave the scene.
        size: Side of the scene in pixels.
        style: What may vary.
    """
    cv2 = opencv()
    x0, y0, x1, y1 = handwriting.glyph_bounds()[digit].tolist()
    height = size * (style.smallest + (style.largest - style.smallest) * draw[0])
    scale = height / (y1 - y0)
    wide = scale * (0.85 + 0.3 * draw[1])
    turn = np.deg2rad(style.rotation) * (2 * draw[2] - 1)
    shear = 0.3 * (draw[3] - 0.5)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    a, b = cos * wide, (cos * shear - sin) * scale
    c, d = sin * wide, (sin * shear + cos) * scale
    # half extents of the ink's bounding parallelogram in the scene
    half_w = (abs(a) * (x1 - x0) + abs(b) * (y1 - y0)) / 2
    half_h = (abs(c) * (x1 - x0) + abs(d) * (y1 - y0)) / 2
    centre = [
        _between(half * 0.8, size - half * 0.8, float(share))
        for half, share in zip((half_w, half_h), at, strict=True)
    ]
    left, top = int(max(centre[0] - half_w - 2, 0)), int(max(centre[1] - half_h - 2, 0))
    right = int(min(centre[0] + half_w + 3, size))
    low = int(min(centre[1] + half_h + 3, size))
    mid_x, mid_y = (x0 + x1) / 2, (y0 + y1) / 2
    # cv2's coordinates have their origin at the centre of a pixel; half a pixel cancels here
    shift_x = centre[0] - left - a * mid_x - b * mid_y + (a + b - 1) / 2
    shift_y = centre[1] - top - c * mid_x - d * mid_y + (c + d - 1) / 2
    matrix = np.array([[a, b, shift_x], [c, d, shift_y]])
    alpha = cv2.warpAffine(handwriting.glyphs()[digit], matrix, (right - left, low - top))
    return Patch(left, top, alpha)


def _between(low: float, high: float, share: float) -> float:
    return low + (high - low) * share if high > low else (low + high) / 2


def paint(image: Array, patch: Patch, draw: Array, covered: list[float], contrast: float) -> float:
    """Blend ink into the scene, slightly tinted; returns its grey level.

    The level is drawn among those that differ enough from what is under the digit and from the
    digits it covers; if none differs from all, the one that differs most is taken.

    Args:
        image: (H, W, 3) uint8 BGR, changed in place.
        patch: The digit.
        draw: 4 uniform numbers: level, and tint of blue, green and red.
        covered: Grey levels of the digits it covers.
        contrast: How much is enough, in grey levels.
    """
    height, width = patch.alpha.shape
    under = image[patch.y : patch.y + height, patch.x : patch.x + width]
    others = np.array([under.mean(), *covered])
    gap = np.abs(_LEVELS[:, None] - others).min(1)
    enough = _LEVELS[gap >= min(contrast, gap.max())]
    grey = float(enough[int(len(enough) * draw[0])])
    tint = 40.0 * (draw[1:4] - 0.5)
    ink = np.clip(grey + tint, 0, 255).astype(np.int32)
    weight = patch.alpha.astype(np.int32)[..., None]
    under += ((ink - under) * weight // 255).astype(np.uint8)  # wraps back into 0..255
    return grey
