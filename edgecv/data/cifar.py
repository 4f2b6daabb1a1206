"""CIFAR-10 and CIFAR-100 in their binary version (`cifar-10-batches-bin`, `cifar-100-binary`).

A record is the class (CIFAR-100: coarse, then fine class), one byte each, and 3072 bytes: 32 x 32
red, then green, then blue, row by row. The python version is a pickle and is not read.

Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, and the data
set's page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.data.holdout import take
from edgecv.data.sample import Sample
from edgecv.errors import FileError
from edgecv.files import sha256_json
from edgecv.recipe import Data

Array = npt.NDArray[Any]

SIDE = 32
PIXELS = 3 * SIDE * SIDE


class Layout(NamedTuple):
    """Where one of the two sets keeps what."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    names: str
    labels: int  # bytes before the pixels; the last one is the class


LAYOUTS = (
    Layout(
        tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
        ("test_batch.bin",),
        "batches.meta.txt",
        1,
    ),
    Layout(("train.bin",), ("test.bin",), "fine_label_names.txt", 2),
)


class Cifar:
    """Pictures of one split with their class; CIFAR-100 by its 100 fine classes.

    The split `val` is the set's own test split. The folder may be the one that holds the files or
    the one above it.

    Args:
        root: Folder of the data set.
        split: "train" or "val".
        data: The recipe's data section: how many pictures to take, and the seed of that choice.

    Raises:
        FileError: no CIFAR files, only the pickled version, a file that is not whole records, or
            a class the names do not have.
        RecipeError: more pictures are asked for than there are.
    """

    def __init__(self, root: Path, split: Literal["train", "val"], data: Data) -> None:
        """See the class."""
        folder, layout = _find(root)
        self.names = _names(folder / layout.names)
        self._split = split
        files = layout.train if split == "train" else layout.val
        tables = [_records(folder / name, layout.labels, len(self.names)) for name in files]
        ids = [f"{n}/{i:05d}" for n, t in zip(files, tables, strict=True) for i in range(len(t))]
        chosen = set(
            take(ids, data.train if split == "train" else data.val, seed=data.seed, split=split)
        )
        self._ids = [name for name in ids if name in chosen]
        kept = np.array([name in chosen for name in ids])
        table = np.concatenate(tables)[kept]
        self._labels = table[:, layout.labels - 1]
        self._pixels = table[:, layout.labels :].reshape(-1, 3, SIDE, SIDE)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self._ids)

    def __getitem__(self, index: int) -> Sample:
        """Picture `index`, (32, 32, 3) uint8 BGR, in the order of the files."""
        if not 0 <= index < len(self._ids):
            raise IndexError(index)
        image = np.ascontiguousarray(self._pixels[index, ::-1].transpose(1, 2, 0))
        return Sample(image=image, id=self._ids[index], label=int(self._labels[index]))

    def digest(self) -> str:
        """Digest of the class names, the pictures taken and their classes."""
        return sha256_json(
            {
                "format": "cifar",
                "split": self._split,
                "names": self.names,
                "files": self._ids,
                "labels": self._labels.tolist(),
            }
        )


def _folders(root: Path) -> list[Path]:
    """Where the files may be: the folder itself, or one in it named as in the archives."""
    return [root, *sorted(path for path in root.glob("cifar-*") if path.is_dir())]


def _find(root: Path) -> tuple[Path, Layout]:
    for folder in _folders(root):
        for layout in LAYOUTS:
            if all((folder / name).is_file() for name in (*layout.train, *layout.val)):
                return folder, layout
    if list(root.glob("**/data_batch_1")) or list(root.glob("**/meta")):
        raise FileError(
            "this is CIFAR's python version, which is a pickle: it is not read",
            folder=root,
            fix="fetch the binary version (cifar-10-binary.tar.gz, cifar-100-binary.tar.gz)",
        )
    _refuse_gaps(root)
    wanted = " or ".join(", ".join((*layout.train, *layout.val)) for layout in LAYOUTS)
    raise FileError("no CIFAR files in the data folder", folder=root, needed=wanted)


def _refuse_gaps(root: Path) -> None:
    """Name the missing files of a set that is there in part."""
    for layout in LAYOUTS:
        names = (*layout.train, *layout.val)
        for folder in _folders(root):
            missing = [name for name in names if not (folder / name).is_file()]
            if len(missing) < len(names):
                raise FileError(
                    "some of CIFAR's files are missing", folder=folder, missing=", ".join(missing)
                )


def _names(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        raise FileError("CIFAR's class names are missing", file=path)
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def _records(path: Path, labels: int, classes: int) -> Array:
    """(N, labels + 3072) uint8."""
    data = np.fromfile(path, np.uint8)
    if data.size == 0 or data.size % (labels + PIXELS):
        raise FileError(
            "CIFAR file is not made of whole records",
            file=path,
            bytes=data.size,
            record_bytes=labels + PIXELS,
        )
    table: Array = data.reshape(-1, labels + PIXELS)
    highest = int(table[:, labels - 1].max())
    if highest >= classes:
        raise FileError("CIFAR file has a class without a name", file=path, highest=highest)
    return table
