"""Real handwriting: the 1,797 digits of 8x8 pixels that scikit-learn carries.

They are the test set of the UCI Optical Recognition of Handwritten Digits data (Alpaydin and
Kaynak, 1998), grey levels 0..16, ink bright.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.data.photographs import package_file
from edgecv.files import sha256_file
from edgecv.images import opencv

Array = npt.NDArray[Any]

NAMES = tuple("0123456789")
HELD_OUT_EVERY = 5
GLYPH = 48  # side of an enlarged digit in pixels, border included
BORDER = 4  # empty pixels around an enlarged digit, so that warping never cuts ink


@lru_cache(maxsize=1)
def digits() -> tuple[Array, Array]:
    """The images (1797, 8, 8) uint8 0..16 and their classes (1797,) int64, in file order."""
    path = package_file("sklearn", "scikit-learn", "datasets", "data", "digits.csv.gz")
    with gzip.open(path, "rt", encoding="ascii") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.int64)
    images = table[:, :64].astype(np.uint8).reshape(-1, 8, 8)
    return images, table[:, 64].copy()


@lru_cache(maxsize=2)
def split(name: str) -> Array:
    """Numbers of the digits that belong to split `name` ("train" or "val"), rising.

    The rule: within each class, in file order, every fifth image is held out. It depends on no
    seed, so no setting of a recipe can train on a held-out digit.
    """
    _, classes = digits()
    held = np.zeros(len(classes), np.bool_)
    for digit in range(len(NAMES)):
        held[np.flatnonzero(classes == digit)[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]] = True
    return np.flatnonzero(held if name == "val" else ~held)


@lru_cache(maxsize=1)
def glyphs() -> Array:
    """All digits enlarged to ink masks: (1797, GLYPH, GLYPH) uint8, 255 full ink.

    Enlarged by bicubic interpolation, then the grey flanks are steepened: strokes get the edge
    that a pen's have instead of the blur of 8 pixels.
    """
    cv2 = opencv()
    images, _ = digits()
    inner = GLYPH - 2 * BORDER
    out = np.zeros((len(images), GLYPH, GLYPH), np.uint8)
    place = slice(BORDER, BORDER + inner)
    for target, image in zip(out, images, strict=True):
        large = cv2.resize(image.astype(np.float32), (inner, inner), interpolation=cv2.INTER_CUBIC)
        target[place, place] = np.clip((large - 5.0) * (255.0 / 7.0), 0, 255)
    return out


@lru_cache(maxsize=1)
def glyph_bounds() -> Array:
    """Where the ink of each glyph is: (1797, 4) float32 x0, y0, x1, y1 in glyph pixels."""
    ink: Array = glyphs() >= 128
    rows: Array = np.logical_or.reduce(ink, axis=2)
    columns: Array = np.logical_or.reduce(ink, axis=1)
    low_x, low_y = columns.argmax(1), rows.argmax(1)
    high_x = GLYPH - columns[:, ::-1].argmax(1)
    high_y = GLYPH - rows[:, ::-1].argmax(1)
    return np.stack([low_x, low_y, high_x, high_y], 1).astype(np.float32)


@lru_cache(maxsize=1)
def digits_digest() -> str:
    """sha256 of the file the digits come from."""
    return sha256_file(package_file("sklearn", "scikit-learn", "datasets", "data", "digits.csv.gz"))
