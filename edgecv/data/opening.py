"""From the data section of a recipe to a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from edgecv.data.sample import Dataset
from edgecv.errors import FileError, RecipeError
from edgecv.recipe import Data

_HINT = "the built-in sets are seeded streams"


def open_dataset(data: Data, split: Literal["train", "val"]) -> Dataset:
    """Open one split of the data a recipe names.

    Args:
        data: The recipe's data section, paths resolved.
        split: "train" or "val".

    Raises:
        RecipeError: a setting is missing or does not fit the format.
        FileError: the files are missing, empty or broken.
        MissingPackage: a package the format needs is not installed.
    """
    if data.format == "scenes":
        from edgecv.data.options import read_options
        from edgecv.data.scenes import SceneOptions, Scenes

        scene = read_options(SceneOptions, data.options, "scenes")
        return Scenes(split, _count(data, split), data.seed, scene)
    if data.format == "digits":
        from edgecv.data.digits import DigitOptions, Digits
        from edgecv.data.options import read_options

        digit = read_options(DigitOptions, data.options, "digits")
        return Digits(split, _count(data, split), data.seed, digit)
    return _open_files(data, split)


def _open_files(data: Data, split: Literal["train", "val"]) -> Dataset:
    root = _root(data)
    if data.options and data.format != "coco":
        raise RecipeError(f"data.options: {data.format} has none", given=", ".join(data.options))
    if data.format == "imagefolder":
        from edgecv.data.imagefolder import ImageFolder

        return ImageFolder(root, split, data)
    if data.format == "cifar":
        from edgecv.data.cifar import Cifar

        return Cifar(root, split, data)
    from edgecv.data.coco import Coco

    return Coco(root, split, data)


def _root(data: Data) -> Path:
    if data.root is None:
        raise RecipeError(
            f"data.root is missing: format {data.format} reads a folder",
            fix="--set data.root=FOLDER",
        )
    if not data.root.is_dir():
        raise FileError("data folder not found", folder=data.root, fix="--set data.root=FOLDER")
    return data.root


def _count(data: Data, split: str) -> int:
    count = data.train if split == "train" else data.val
    if count < 1:
        raise RecipeError(
            f"data.{split} must say how many samples: {_HINT}", fix=f"--set data.{split}=1000"
        )
    return count
