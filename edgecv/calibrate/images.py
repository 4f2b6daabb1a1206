"""Where calibration images come from: a recipe's training split, or a folder of pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.data import open_dataset
from edgecv.errors import FileError, RecipeError
from edgecv.images import SUFFIXES, read_image
from edgecv.recipe import Input, Recipe
from edgecv.runtime.preprocess import Preprocessor

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Pictures:
    """Pictures by position: `read(i)` is (H, W, 3) uint8 BGR for i in 0..count-1."""

    count: int
    read: Callable[[int], Array]


def training_pictures(recipe: Recipe) -> Pictures:
    """The recipe's training split, without augmentation. The held-out one stays unseen.

    Raises:
        RecipeError: the recipe names no data.
        FileError: the data is missing or broken.
    """
    if recipe.data is None:
        raise RecipeError(
            "the recipe names no data to calibrate on", fix="--data DIR, or a data section"
        )
    split = open_dataset(recipe.data, "train")
    return Pictures(len(split), lambda index: split[index].image)


def folder_pictures(folder: Path) -> Pictures:
    """Every picture in `folder` and below, in the order of their paths.

    Raises:
        FileError: no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise FileError("folder of calibration images not found", folder=folder)
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise FileError(
            "folder holds no picture", folder=folder, looked_for=" ".join(sorted(SUFFIXES))
        )
    return Pictures(len(files), lambda index: read_image(files[index]))


def spread(available: int, wanted: int) -> list[int]:
    """`wanted` positions (or all) evenly spread: a set sorted by class is still seen whole."""
    count = min(available, wanted)
    return [(2 * i + 1) * available // (2 * count) for i in range(count)]


def batches(pictures: Pictures, spec: Input, wanted: int, batch: int) -> Iterator[Array]:
    """Preprocess `wanted` pictures spread over those there are.

    Args:
        pictures: Where they come from.
        spec: The recipe's input section.
        wanted: How many; fewer if there are not as many.
        batch: Pictures per array; the last one may hold fewer.

    Yields:
        (b, C, H, W) float32, the same buffer each time: use it before the next is asked for.
    """
    preprocess = Preprocessor(spec)
    buffer = np.empty((batch, spec.channels, *spec.size), np.float32)
    chosen = spread(pictures.count, wanted)
    for at in range(0, len(chosen), batch):
        part = chosen[at : at + batch]
        for row, index in enumerate(part):
            preprocess.into(pictures.read(index), buffer[row])
        yield buffer[: len(part)]
