"""Which pictures a bundle is judged on, and how their classes map to the model's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.bundle import Manifest
from edgecv.data import Dataset, open_dataset
from edgecv.errors import FileError, UnknownName, UsageError
from edgecv.recipe import Data

BUILT_IN = ("scenes", "digits")


def held_out(manifest: Manifest, data: Data | None, folder: Path | None) -> Dataset:
    """The held-out split to judge on.

    Args:
        manifest: Of the bundle; its data section is the default.
        data: Overrides the manifest's data section.
        folder: Takes the place of the data section's root. For a bundle without a data section
            it is an ImageFolder (classify) or holds annotations.json in COCO's format with file
            names relative to it (detect); nothing in it was trained on as far as edgecv knows, so
            all of it is judged on.

    Raises:
        UsageError: there is no data section and no folder, or a folder for built-in data.
        FileError, RecipeError: the data cannot be opened.
    """
    section = data or manifest.data
    if section is None and folder is None:
        raise UsageError(
            "the bundle names no data to judge it on", fix="edgecv evaluate BUNDLE --data FOLDER"
        )
    if section is None:
        return _foreign(manifest, folder or Path())
    if folder is not None:
        if section.format in BUILT_IN:
            raise UsageError(f"--data: the {section.format} data are built in and have no folder")
        section = section.model_copy(update={"root": folder})
    elif section.root is not None and not section.root.is_dir():
        raise FileError(
            "the data folder the bundle names is not on this machine",
            folder=section.root,
            fix="edgecv evaluate BUNDLE --data FOLDER",
        )
    return open_dataset(section, "val")


def _foreign(manifest: Manifest, folder: Path) -> Dataset:
    if manifest.task == "classify":
        from edgecv.data.imagefolder import ImageFolder

        return ImageFolder(folder, "val", Data(format="imagefolder"), whole=True)
    annotations = Path("annotations.json")
    return open_dataset(Data(format="coco", root=folder, val_annotations=annotations), "val")


def class_map(dataset: tuple[str, ...], model: tuple[str, ...], count: int = 0) -> npt.NDArray[Any]:
    """Model class id of each data-set class, by name; by number if the model has no names.

    Args:
        dataset: Names of the data's classes.
        model: Names of the model's classes; empty: it has none.
        count: How many classes the model has; 0: not known.

    Returns:
        (len(dataset),) int64.

    Raises:
        UnknownName: the data set has a class that the model does not know.
        UsageError: classes have to be matched by number, and their numbers differ.
    """
    if not model:
        if count not in (0, len(dataset)):
            raise UsageError(
                "the model's classes have no names, and the data have another number of them",
                model=count,
                data=len(dataset),
                fix="name the model's classes in its recipe (head.names), then build it again",
            )
        return np.arange(len(dataset), dtype=np.int64)
    place = {name: i for i, name in reversed(list(enumerate(model)))}
    for name in dataset:
        if name not in place:
            raise UnknownName(
                "class in the data", name, model, fix="name the model's classes: head.names"
            )
    return np.array([place[name] for name in dataset], np.int64)


def chosen(total: int, images: int) -> npt.NDArray[Any]:
    """Indices of `images` of `total` samples, evenly spread; 0 takes all.

    Raises:
        UsageError: more are asked for than there are.
    """
    if images > total:
        raise UsageError(
            "more held-out pictures are asked for than there are", asked=images, there_are=total
        )
    if images == 0 or images == total:
        return np.arange(total)
    return np.arange(images) * total // images
