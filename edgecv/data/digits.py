"""Built-in classification data: one augmented handwritten digit on a plain ground.

Like scenes, sample `index` comes from its own generator seeded by (seed, split, index); training
samples show only training digits, held-out samples only held-out ones (`handwriting.split`).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from edgecv.data import handwriting
from edgecv.data.options import Options
from edgecv.data.sample import Sample
from edgecv.files import sha256_json
from edgecv.images import opencv

Array = npt.NDArray[Any]

EDITION = 1  # raise when the same index would give another picture
_SPLIT_SEED = {"train": 2, "val": 3}  # other streams than those of the scenes


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


class Digits:
    """A seeded stream of augmented digits of one split.

    Args:
        split: "train" or "val".
        count: Number of samples.
        seed: Seed of the whole set.
        options: What a sample looks like.
    """

    names = handwriting.NAMES

    def __init__(
        self, split: Literal["train", "val"], count: int, seed: int, options: DigitOptions
    ) -> None:
        """See the class."""
        self._split = split
        self._count = count
        self._seed = seed
        self.options = options
        self._digits = handwriting.split(split)
        self._classes = handwriting.digits()[1]

    def __len__(self) -> int:
        """Number of samples."""
        return self._count

    def digest(self) -> str:
        """Digest of the specification and of the handwriting."""
        return sha256_json(
            {
                "format": "digits",
                "edition": EDITION,
                "split": self._split,
                "count": self._count,
                "seed": self._seed,
                "options": self.options.model_dump(),
                "digits": handwriting.digits_digest(),
            }
        )

    def source(self, index: int) -> int:
        """Number of the handwritten digit that sample `index` shows."""
        return self._choose(self._generator(index))

    def __getitem__(self, index: int) -> Sample:
        """Draw sample `index`: warped at random, dark on light or light on dark."""
        rng = self._generator(index)
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
            id=f"{self._split}-{index:06d}",
            label=int(self._classes[digit]),
        )

    def _generator(self, index: int) -> np.random.Generator:
        if not 0 <= index < self._count:
            raise IndexError(index)
        return np.random.default_rng((self._seed, _SPLIT_SEED[self._split], index))

    def _choose(self, rng: np.random.Generator) -> int:
        return int(self._digits[int(rng.integers(len(self._digits)))])

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
