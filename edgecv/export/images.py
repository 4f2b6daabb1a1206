"""Real network inputs to compare on: the recipe's held-out pictures through the preprocessor."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import MissingPackage
from edgecv.progress import note
from edgecv.recipe import Recipe
from edgecv.runtime.preprocess import Preprocessor

_SEED = 0
Taken = tuple[list[npt.NDArray[Any]], str]


class Images(NamedTuple):
    """Inputs and where they come from.

    Attributes:
        arrays: (N, C, H, W) float32.
        origin: What they are, in words, for export.json.
    """

    arrays: npt.NDArray[Any]
    origin: str


def parity_images(recipe: Recipe, count: int) -> Images:
    """`count` inputs: held-out pictures of the recipe's data, where it is on this machine.

    Where it is not, the photographs that scikit-image carries; without those, seeded noise. What
    was taken is said on stderr and in `origin`. Fewer pictures than `count` are all taken.

    Raises:
        FileError: the recipe's data is here and broken.
    """
    pictures, origin = _held_out(recipe, count) or _photographs(count) or _noise(recipe, count)
    arrays, _ = Preprocessor(recipe.input).batch(pictures)
    return Images(arrays, origin)


def _held_out(recipe: Recipe, count: int) -> Taken | None:
    data = recipe.data
    if data is None or (data.root is not None and not data.root.is_dir()):
        where = "the recipe names no data" if data is None else f"{data.root} is not here"
        note(f"export  {where}: parity is measured on other pictures")
        return None
    from edgecv.data import open_dataset

    held_out = open_dataset(data, "val")
    pictures = [held_out[i].image for i in range(min(count, len(held_out)))]
    return pictures, f"held-out pictures of {data.format}"


def _photographs(count: int) -> Taken | None:
    from edgecv.data.photographs import TRAIN, VAL, photograph

    try:
        pictures = [photograph(name) for name in (*VAL, *TRAIN)[:count]]
    except MissingPackage:
        return None
    return pictures, "photographs of scikit-image"


def _noise(recipe: Recipe, count: int) -> Taken:
    rng = np.random.default_rng(_SEED)
    noise = rng.integers(0, 256, (count, *recipe.input.size, 3), np.uint8)
    return list(noise), f"seeded noise (seed {_SEED})"
