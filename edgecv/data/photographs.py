"""The real photographs that scikit-image and scikit-learn carry inside their wheels.

Nothing is downloaded: only files that every wheel holds are named, and pictures with printed
characters (page, text) or drawn ones (logo, horse, chessboards) are left out.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import MissingPackage
from edgecv.files import sha256_file, sha256_json
from edgecv.images import opencv, read_image

# Held-out scenes use other photographs than training scenes: no background is seen in both.
TRAIN = (
    "astronaut",
    "brick",
    "camera",
    "chelsea",
    "china",
    "coins",
    "gravel",
    "hubble_deep_field",
    "ihc",
    "moon",
    "motorcycle_left",
    "motorcycle_right",
    "retina",
)
VAL = ("coffee", "flower", "grass", "rocket")

_JPEG = frozenset({"china", "flower", "hubble_deep_field", "retina", "rocket"})
_SKLEARN = frozenset({"china", "flower"})


def choose(split: str, rng: np.random.Generator) -> str:
    """The name of a photograph that pictures of `split` ("train" or "val") may show."""
    names = VAL if split == "val" else TRAIN
    return names[int(rng.integers(len(names)))]


@lru_cache(maxsize=1)
def photographs() -> dict[str, npt.NDArray[Any]]:
    """All photographs, decoded once per process.

    Returns:
        Name -> (H, W, 3) uint8 BGR, read-only arrays of 300 to 1411 pixels a side.

    Raises:
        MissingPackage: scikit-image or scikit-learn is not installed, or without its pictures.
    """
    return {name: photograph(name) for name in sorted((*TRAIN, *VAL))}


@cache
def photograph(name: str) -> npt.NDArray[Any]:
    """One photograph by name; (H, W, 3) uint8 BGR, read-only."""
    image = read_image(_path(name))
    image.setflags(write=False)
    return image


@cache
def pyramid(name: str) -> tuple[npt.NDArray[Any], ...]:
    """A photograph and its halvings by averaging, finest first, down to 64 pixels."""
    cv2 = opencv()
    levels = [photograph(name)]
    while min(levels[-1].shape[:2]) >= 128:
        height, width = levels[-1].shape[:2]
        half = cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        levels.append(half)
    return tuple(levels)


@lru_cache(maxsize=1)
def photographs_digest() -> str:
    """Digest of all files, so that another edition of a photograph is another data set."""
    return sha256_json({name: sha256_file(_path(name)) for name in sorted((*TRAIN, *VAL))})


def package_file(package: str, distribution: str, *parts: str) -> Path:
    """Path of a file inside an installed package, found without importing the package.

    Raises:
        MissingPackage: the package is not installed, or does not hold the file.
    """
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, *parts)
        if path.is_file():
            return path
    raise MissingPackage(distribution, "train", needed_for=f"the built-in data ({parts[-1]})")


def _path(name: str) -> Path:
    file = f"{name}.jpg" if name in _JPEG else f"{name}.png"
    if name in _SKLEARN:
        return package_file("sklearn", "scikit-learn", "datasets", "images", file)
    return package_file("skimage", "scikit-image", "data", file)
