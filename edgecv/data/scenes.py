"""Built-in detection data: handwritten digits pasted onto real photographs.

Sample `index` of a split is drawn from its own generator, seeded by (seed, split, index), so any
sample can be made alone, in any order and process, with the same bytes (same library versions).
Training scenes use only training digits and training photographs, held-out scenes only held-out
ones (`handwriting.split`, `photographs.TRAIN` and `VAL`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from edgecv.data import handwriting, photographs
from edgecv.data.options import Options
from edgecv.data.sample import Sample
from edgecv.files import sha256_json
from edgecv.images import opencv

Array = npt.NDArray[Any]
Split = Literal["train", "val"]

EDITION = 1  # raise when the same index would give another picture
SPLIT_SEED = {"train": 0, "val": 1}
TRIES = 4  # places tried for an object before it is left out
_LEVELS = np.arange(0.0, 256.0, 15.0)  # grey levels that ink may have
INK = 128  # alpha from which a pixel belongs to a digit


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


class Patch(NamedTuple):
    """A warped digit where it meets the scene: corner (x, y) and (h, w) uint8 alpha."""

    x: int
    y: int
    alpha: Array


class Scenes:
    """Scenes of one split. See `SceneOptions` for what may vary.

    Args:
        split: "train" or "val".
        count: Number of scenes.
        seed: Seed of the whole set.
        options: What a scene looks like.
    """

    names = handwriting.NAMES

    def __init__(self, split: Split, count: int, seed: int, options: SceneOptions) -> None:
        """See the class."""
        self._split: Split = split
        self._count = count
        self._seed = seed
        self.options = options
        self._digits = handwriting.split(split)
        self._photographs = photographs.TRAIN if split == "train" else photographs.VAL
        self._classes = handwriting.digits()[1]

    def __len__(self) -> int:
        """Number of scenes."""
        return self._count

    def digest(self) -> str:
        """Digest of the specification and of the pictures it draws from."""
        return sha256_json(
            {
                "format": "scenes",
                "edition": EDITION,
                "split": self._split,
                "count": self._count,
                "seed": self._seed,
                "options": self.options.model_dump(),
                "digits": handwriting.digits_digest(),
                "photographs": photographs.photographs_digest(),
            }
        )

    def sources(self, index: int) -> tuple[str, Array]:
        """The photograph and the (N,) digit numbers that scene `index` is drawn from."""
        rng = self._generator(index)
        return self._choose(rng)

    def __getitem__(self, index: int) -> Sample:
        """Draw scene `index`; boxes are tight around the visible ink of each digit."""
        rng = self._generator(index)
        photograph, chosen = self._choose(rng)
        image = background(photographs.pyramid(photograph), self.options.size, rng)
        owner = np.full(image.shape[:2], -1, np.int16)
        placed = self._place(image, owner, chosen, rng)
        _add_noise(image, self.options.noise, rng)
        classes = self._classes[placed].astype(np.int64)
        masks = owner[None] == np.arange(len(placed), dtype=np.int16)[:, None, None]
        lut = np.concatenate([classes + 1, [0]]).astype(np.uint8)  # owner -1 reads the last entry
        return Sample(
            image=image,
            id=f"{self._split}-{index:06d}",
            boxes=tight_boxes(masks),
            ids=classes,
            masks=masks,
            semantic=lut[owner],
        )

    def _generator(self, index: int) -> np.random.Generator:
        if not 0 <= index < self._count:
            raise IndexError(index)
        return np.random.default_rng((self._seed, SPLIT_SEED[self._split], index))

    def _choose(self, rng: np.random.Generator) -> tuple[str, Array]:
        photograph = self._photographs[int(rng.integers(len(self._photographs)))]
        count = int(rng.integers(self.options.min_objects, self.options.max_objects + 1))
        return photograph, self._digits[rng.integers(len(self._digits), size=count)]

    def _place(
        self, image: Array, owner: Array, chosen: Array, rng: np.random.Generator
    ) -> list[int]:
        """Paste digits; returns the numbers of those that found room, in order of pasting."""
        draws = rng.random((len(chosen), 8 + 2 * TRIES))
        placed: list[int] = []
        ink: list[int] = []  # pixels of each placed digit before anything hid it
        greys: list[float] = []  # mean grey level of each placed digit
        for digit, draw in zip(chosen.tolist(), draws, strict=True):
            for attempt in range(TRIES):
                at = draw[8 + 2 * attempt : 10 + 2 * attempt]
                patch = _warp(digit, draw, at, self.options)
                covered = self._claim(patch, owner, ink)
                if covered is not None:
                    near = [greys[other] for other in covered]
                    greys.append(_paint(image, patch, draw, near, self.options.contrast))
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


def tight_boxes(masks: Array) -> Array:
    """(N, 4) float32 xyxy around the set pixels of (N, H, W) bool masks, none of them empty."""
    if len(masks) == 0:
        return np.zeros((0, 4), np.float32)
    height, width = masks.shape[1:]
    rows: Array = np.logical_or.reduce(masks, axis=2)
    columns: Array = np.logical_or.reduce(masks, axis=1)
    low = columns.argmax(1), rows.argmax(1)
    high = width - columns[:, ::-1].argmax(1), height - rows[:, ::-1].argmax(1)
    return np.stack([*low, *high], 1).astype(np.float32)


def _warp(digit: int, draw: Array, at: Array, options: SceneOptions) -> Patch:
    """Scale, turn and shear a glyph, and cut it where it leaves the scene."""
    cv2 = opencv()
    x0, y0, x1, y1 = handwriting.glyph_bounds()[digit].tolist()
    height = options.size * (options.smallest + (options.largest - options.smallest) * draw[0])
    scale = height / (y1 - y0)
    wide = scale * (0.85 + 0.3 * draw[1])
    turn = np.deg2rad(options.rotation) * (2 * draw[2] - 1)
    shear = 0.3 * (draw[3] - 0.5)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    a, b = cos * wide, (cos * shear - sin) * scale
    c, d = sin * wide, (sin * shear + cos) * scale
    # half extents of the ink's bounding parallelogram in the scene
    half_w = (abs(a) * (x1 - x0) + abs(b) * (y1 - y0)) / 2
    half_h = (abs(c) * (x1 - x0) + abs(d) * (y1 - y0)) / 2
    centre = [
        _between(half * 0.8, options.size - half * 0.8, float(share))
        for half, share in zip((half_w, half_h), at, strict=True)
    ]
    left, top = int(max(centre[0] - half_w - 2, 0)), int(max(centre[1] - half_h - 2, 0))
    right = int(min(centre[0] + half_w + 3, options.size))
    low = int(min(centre[1] + half_h + 3, options.size))
    mid_x, mid_y = (x0 + x1) / 2, (y0 + y1) / 2
    # cv2's coordinates have their origin at the centre of a pixel; half a pixel cancels here
    shift_x = centre[0] - left - a * mid_x - b * mid_y + (a + b - 1) / 2
    shift_y = centre[1] - top - c * mid_x - d * mid_y + (c + d - 1) / 2
    matrix = np.array([[a, b, shift_x], [c, d, shift_y]])
    alpha = cv2.warpAffine(handwriting.glyphs()[digit], matrix, (right - left, low - top))
    return Patch(left, top, alpha)


def _between(low: float, high: float, share: float) -> float:
    return low + (high - low) * share if high > low else (low + high) / 2


def _paint(image: Array, patch: Patch, draw: Array, covered: list[float], contrast: float) -> float:
    """Blend ink into the scene, slightly tinted; returns its grey level.

    The level is drawn among those that differ enough from what is under the digit and from the
    digits it covers; if none differs from all, the one that differs most is taken.
    """
    height, width = patch.alpha.shape
    under = image[patch.y : patch.y + height, patch.x : patch.x + width]
    others = np.array([under.mean(), *covered])
    gap = np.abs(_LEVELS[:, None] - others).min(1)
    enough = _LEVELS[gap >= min(contrast, gap.max())]
    grey = float(enough[int(len(enough) * draw[4])])
    tint = 40.0 * (draw[5:8] - 0.5)
    ink = np.clip(grey + tint, 0, 255).astype(np.int32)
    weight = patch.alpha.astype(np.int32)[..., None]
    under += ((ink - under) * weight // 255).astype(np.uint8)  # wraps back into 0..255
    return grey


@lru_cache(maxsize=8)
def _noise_bank(size: int) -> Array:
    """(size + 64, size + 64, 3) float32 standard normal noise, the same in every process."""
    shape = (size + 64, size + 64, 3)
    return np.random.default_rng(20_000_003).standard_normal(shape, np.float32)


def _add_noise(image: Array, greatest: float, rng: np.random.Generator) -> None:
    """Add sensor noise in place, from a window of a fixed bank (drawing it anew is slower)."""
    draw = rng.random(3)
    top, left = int(64 * draw[0]), int(64 * draw[1])
    size = image.shape[0]
    window = _noise_bank(size)[top : top + size, left : left + size]
    deviation = greatest * float(draw[2])
    noisy = image + window * deviation
    np.clip(np.rint(noisy, out=noisy), 0, 255, out=noisy)
    image[...] = noisy.astype(np.uint8)
