"""Built-in classification data: one augmented handwritten digit on a plain ground.

Training samples show only training digits, held-out samples only held-out ones
(`handwriting.split`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from edgecv.data import handwriting
from edgecv.data.drawn import Drawn, Kind
from edgecv.data.options import Options
from edgecv.data.sample import Sample
from edgecv.images import opencv

Array = npt.NDArray[Any]


class DigitOptions(Options):
    """`data.options` of format `digits`.

    Attributes:
        size: Height and width of a picture in pixels.
        rotation: Greatest rotation to either side in degrees.
        shift: Greatest shift of the centre to either side as a share of `size`.
        noise: Greatest standard deviation of the noise in grey levels.
    """

    size: int = Field(32, ge=16, le=512)
    rotation: float = Field(15.0, ge=0, le=45)
    shift: float = Field(0.08, ge=0, le=0.3)
    noise: float = Field(12.0, ge=0, le=80)


class Digits(Drawn[Sample, DigitOptions]):
    """A seeded stream of augmented digits of one split: dark on light or light on dark."""

    kind = Kind("digits", edition=1, train=2, val=3, materials=("digits",))
    names = handwriting.NAMES

    def source(self, index: int) -> int:
        """Number of the handwritten digit that sample `index` shows."""
        return self._choose(self._generator(index))

    def _draw(self, rng: np.random.Generator, name: str) -> Sample:
        digit = self._choose(rng)
        size = self.options.size
        alpha = self._warped(digit, rng)
        draw = rng.random(8)
        ground = 255 * draw[0]
        step = 70 + 110 * draw[1]
        ink = ground + step if ground + step <= 255 or ground < 128 else ground - step
        colors = np.array([[ground], [ink]]) + 40 * (draw[2:8].reshape(2, 3) - 0.5)
        share = alpha.astype(np.float32)[..., None] / 255
        image = colors[0] * (1 - share) + colors[1] * share
        deviation = self.options.noise * rng.random()
        image += deviation * rng.standard_normal((size, size, 1), np.float32)
        return Sample(
            image=np.clip(np.rint(image), 0, 255).astype(np.uint8),
            id=name,
            label=int(handwriting.digits()[1][digit]),
        )

    def _choose(self, rng: np.random.Generator) -> int:
        digits = handwriting.split(self.split)
        return int(digits[int(rng.integers(len(digits)))])

    def _warped(self, digit: int, rng: np.random.Generator) -> Array:
        """(size, size) uint8 ink of a digit after a random affine map about its own centre."""
        draw = rng.random(6)
        size = self.options.size
        x0, y0, x1, y1 = handwriting.glyph_bounds()[digit].tolist()
        scale = size * (0.6 + 0.25 * draw[0]) / (y1 - y0)
        turn = np.deg2rad(self.options.rotation) * (2 * draw[1] - 1)
        cos, sin = float(np.cos(turn)), float(np.sin(turn))
        linear = np.array([[cos, -sin], [sin, cos]]) @ np.array(
            [[1, 0.3 * (draw[2] - 0.5)], [0, 1]]
        )
        linear = linear @ np.diag([scale * (0.85 + 0.3 * draw[3]), scale])
        centre = size / 2 + self.options.shift * size * (2 * draw[4:6] - 1)
        # cv2's origin is the centre of the top-left pixel, hence the halves
        middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) - 0.5
        matrix = np.column_stack([linear, centre - 0.5 - linear @ middle])
        warped: Array = opencv().warpAffine(handwriting.glyphs()[digit], matrix, (size, size))
        return warped
