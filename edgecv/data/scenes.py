"""Built-in detection data: handwritten digits pasted onto real photographs.

Training scenes use only training digits and training photographs, held-out scenes only held-out
ones (`handwriting.split`, `photographs.choose`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from edgecv.data import handwriting, photographs
from edgecv.data.background import add_noise, background
from edgecv.data.drawn import Drawn, Kind
from edgecv.data.options import Options
from edgecv.data.pasting import INK, Patch, Style, paint, warp_digit
from edgecv.data.sample import Sample, tight_boxes

Array = npt.NDArray[Any]

TRIES = 4  # places tried for an object before it is left out


class SceneOptions(Options):
    """`data.options` of format `scenes`.

    Attributes:
        size: Height and width of a scene in pixels.
        min_objects: Fewest digits that are placed.
        max_objects: Most digits that are placed; fewer where there is no room.
        smallest: Least height of a digit as a share of `size`, before rotation.
        largest: Greatest height, likewise.
        rotation: Greatest rotation to either side in degrees. A 6 turned by 180 is a 9.
        contrast: Least difference in mean grey level between a digit and what is under it, and,
            where there is room on the scale, between a digit and the digits that it covers.
        hidden: Greatest share of a digit's ink that later digits may hide. A digit that would
            hide more of another is tried elsewhere, then left out: no label is a guess.
        noise: Greatest standard deviation of the sensor noise in grey levels.
    """

    size: int = Field(128, ge=32, le=2048)
    min_objects: int = Field(1, ge=0, le=100)
    max_objects: int = Field(5, ge=1, le=100)
    smallest: float = Field(0.2, gt=0.03, le=0.9)
    largest: float = Field(0.45, gt=0.03, le=0.9)
    rotation: float = Field(15.0, ge=0, le=45)
    contrast: float = Field(70.0, ge=10, le=120)
    hidden: float = Field(0.2, ge=0, lt=1)
    noise: float = Field(6.0, ge=0, le=50)

    @model_validator(mode="after")
    def _ordered(self) -> SceneOptions:
        if self.min_objects > self.max_objects:
            raise ValueError("min_objects must be <= max_objects")
        if self.smallest > self.largest:
            raise ValueError("smallest must be <= largest")
        return self


class Scenes(Drawn[Sample, SceneOptions]):
    """Scenes of one split. See `SceneOptions` for what may vary.

    Boxes are tight around the visible ink of each digit.
    """

    kind = Kind("scenes", edition=1, train=0, val=1, materials=("digits", "photographs"))
    names = handwriting.NAMES

    def sources(self, index: int) -> tuple[str, Array]:
        """The photograph and the (N,) digit numbers that scene `index` is drawn from."""
        return self._choose(self._generator(index))

    def _draw(self, rng: np.random.Generator, name: str) -> Sample:
        photograph, chosen = self._choose(rng)
        image = background(photographs.pyramid(photograph), self.options.size, rng)
        owner = np.full(image.shape[:2], -1, np.int16)
        placed = self._place(image, owner, chosen, rng)
        add_noise(image, self.options.noise, rng)
        classes = handwriting.digits()[1][placed].astype(np.int64)
        masks = owner[None] == np.arange(len(placed), dtype=np.int16)[:, None, None]
        lut = np.concatenate([classes + 1, [0]]).astype(np.uint8)  # owner -1 reads the last entry
        return Sample(
            image=image,
            id=name,
            boxes=tight_boxes(masks),
            ids=classes,
            masks=masks,
            semantic=lut[owner],
        )

    def _choose(self, rng: np.random.Generator) -> tuple[str, Array]:
        photograph = photographs.choose(self.split, rng)
        count = int(rng.integers(self.options.min_objects, self.options.max_objects + 1))
        digits = handwriting.split(self.split)
        return photograph, digits[rng.integers(len(digits), size=count)]

    def _place(
        self, image: Array, owner: Array, chosen: Array, rng: np.random.Generator
    ) -> list[int]:
        """Paste digits; returns the numbers of those that found room, in order of pasting."""
        draws = rng.random((len(chosen), 8 + 2 * TRIES))
        style = Style(self.options.smallest, self.options.largest, self.options.rotation)
        placed: list[int] = []
        ink: list[int] = []  # pixels of each placed digit before anything hid it
        greys: list[float] = []  # mean grey level of each placed digit
        for digit, draw in zip(chosen.tolist(), draws, strict=True):
            for attempt in range(TRIES):
                at = draw[8 + 2 * attempt : 10 + 2 * attempt]
                patch = warp_digit(digit, draw[:4], at, self.options.size, style)
                covered = self._claim(patch, owner, ink)
                if covered is not None:
                    near = [greys[other] for other in covered]
                    greys.append(paint(image, patch, draw[4:8], near, self.options.contrast))
                    placed.append(digit)
                    break
        return placed

    def _claim(self, patch: Patch, owner: Array, ink: list[int]) -> list[int] | None:
        """Give the patch's ink to a new object; which objects it covers.

        None, and nothing is changed, if an earlier object would lose too much.
        """
        height, width = patch.alpha.shape
        under = owner[patch.y : patch.y + height, patch.x : patch.x + width]
        mine = patch.alpha >= INK
        below = under[mine]
        covered: list[int] = np.unique(below[below >= 0]).tolist()
        for other in covered:
            left = int((owner == other).sum()) - int((below == other).sum())
            if left < (1 - self.options.hidden) * ink[other]:
                return None
        if below.size == 0:
            return None
        under[mine] = len(ink)
        ink.append(below.size)
        return covered
