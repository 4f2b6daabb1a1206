"""Parsing a COCO annotation file: nothing in it is trusted."""

from __future__ import annotations

import math
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import FileError
from edgecv.files import read_json

Array = npt.NDArray[Any]


class Entry(NamedTuple):
    """One picture: its file, its size in pixels, and its objects as `Sample` has them."""

    file: str
    height: int
    width: int
    boxes: Array
    ids: Array
    crowd: Array
    outlines: tuple[Any, ...]


class CocoFile(NamedTuple):
    """What an annotation file says; `skipped` annotations had no area inside their picture."""

    names: tuple[str, ...]
    entries: tuple[Entry, ...]
    skipped: int


class _Object(NamedTuple):
    box: tuple[float, float, float, float]
    category: int
    crowd: bool
    outline: Any


def read_coco(path: Path) -> CocoFile:
    """Read and check an annotation file.

    Raises:
        FileError: the file is missing or not JSON, lacks a list, names an unknown category or
            picture, repeats an id, holds a box that is no box, or a `file_name` that leaves its
            folder.
    """
    content = read_json(path, "COCO annotation file")
    for key in ("images", "annotations", "categories"):
        rows = content.get(key) if isinstance(content, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise FileError("COCO annotation file lacks a list of objects", file=path, key=key)
    names, index = _categories(content["categories"], path)
    images = _images(content["images"], path)
    objects: dict[int, list[_Object]] = {image_id: [] for image_id in images}
    skipped = 0
    for row in content["annotations"]:
        image_id, found = _object(row, images, index, path)
        if found is None:
            skipped += 1
        else:
            objects[image_id].append(found)
    entries = tuple(_entry(image, objects[image_id]) for image_id, image in images.items())
    return CocoFile(names, entries, skipped)


def _categories(rows: list[dict[str, Any]], path: Path) -> tuple[tuple[str, ...], dict[int, int]]:
    names: dict[int, str] = {}
    for row in rows:
        number, name = row.get("id"), row.get("name")
        if type(number) is not int or not isinstance(name, str):
            raise FileError("category needs an integer id and a name", file=path, category=row)
        if number in names:
            raise FileError("category id appears twice", file=path, id=number)
        names[number] = name
    if not names:
        raise FileError("COCO annotation file has no categories", file=path)
    order = sorted(names)
    return tuple(names[n] for n in order), {number: i for i, number in enumerate(order)}


class _Image(NamedTuple):
    file: str
    height: int
    width: int


def _images(rows: list[dict[str, Any]], path: Path) -> dict[int, _Image]:
    images: dict[int, _Image] = {}
    for row in rows:
        number, name = row.get("id"), row.get("file_name")
        size = row.get("height"), row.get("width")
        if type(number) is not int or not isinstance(name, str) or not name:
            raise FileError("image needs an integer id and a file_name", file=path, id=number)
        if not all(type(side) is int and side > 0 for side in size):
            raise FileError("image needs height and width in pixels", file=path, id=number)
        if number in images:
            raise FileError("image id appears twice", file=path, id=number)
        images[number] = _Image(_inside(name, path), *size)  # type: ignore[arg-type]
    if len({image.file for image in images.values()}) < len(images):
        raise FileError("file_name appears twice", file=path)
    return images


def _inside(name: str, path: Path) -> str:
    parts = PurePosixPath(name)
    outside = parts.is_absolute() or ".." in parts.parts or PureWindowsPath(name).drive
    if outside or "\\" in name or "\0" in name:
        raise FileError("file_name leaves the picture folder", file=path, file_name=repr(name))
    return parts.as_posix()


def _object(
    row: dict[str, Any], images: dict[int, _Image], index: dict[int, int], path: Path
) -> tuple[int, _Object | None]:
    """The picture an annotation belongs to, and its object unless it has no area inside."""
    image_id, category = row.get("image_id"), row.get("category_id")
    facts: dict[str, Any] = {"file": path, "annotation_id": row.get("id")}
    if not isinstance(image_id, int) or image_id not in images:
        raise FileError("annotation names an unknown image_id", **facts, image_id=image_id)
    if not isinstance(category, int) or category not in index:
        known = ", ".join(map(str, sorted(index)[:20]))
        raise FileError(
            "annotation names an unknown category_id", **facts, category_id=category, known=known
        )
    box = row.get("bbox")
    if not (isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))):
        raise FileError("bbox must be four finite numbers: x, y, width, height", **facts, bbox=box)
    x, y, width, height = map(float, box)
    image = images[image_id]
    low, high = (
        (max(x, 0.0), max(y, 0.0)),
        (
            min(x + width, float(image.width)),
            min(y + height, float(image.height)),
        ),
    )
    if high[0] - low[0] <= 0 or high[1] - low[1] <= 0:
        return image_id, None
    crowd = bool(row.get("iscrowd", 0))
    return image_id, _Object((*low, *high), index[category], crowd, row.get("segmentation"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _entry(image: _Image, objects: list[_Object]) -> Entry:
    return Entry(
        file=image.file,
        height=image.height,
        width=image.width,
        boxes=np.array([o.box for o in objects], np.float32).reshape(-1, 4),
        ids=np.array([o.category for o in objects], np.int64),
        crowd=np.array([o.crowd for o in objects], np.bool_),
        outlines=tuple(o.outline for o in objects),
    )
