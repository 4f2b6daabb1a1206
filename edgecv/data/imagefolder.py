"""ImageFolder: one folder a class.

Two layouts. If root/train and root/val are both folders, they are the splits: root/train/<class>/*
and root/val/<class>/*. Else root/<class>/* holds all pictures and `holdout` splits them. Classes
are the folders' names, sorted; pictures are the files directly inside with a known suffix. Names
that begin with a dot are skipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from edgecv.data.holdout import belongs, take
from edgecv.data.sample import Sample
from edgecv.errors import FileError
from edgecv.files import sha256_json
from edgecv.images import SUFFIXES, read_image
from edgecv.recipe import Data


class ImageFolder:
    """Pictures of one split with the class that their folder names.

    Args:
        root: Folder of the data set.
        split: "train" or "val".
        data: The recipe's data section: seed, val_share and how many pictures to take.
        whole: In the layout without splits, take all pictures (data nobody trained on).

    Raises:
        FileError: the folder is missing, has no class folders, a training class has no pictures,
            the split is empty, root/train has no root/val beside it, or root/val has a class that
            root/train lacks.
        RecipeError: more pictures are asked for than there are.
    """

    def __init__(
        self, root: Path, split: Literal["train", "val"], data: Data, *, whole: bool = False
    ) -> None:
        """See the class."""
        if not root.is_dir():
            raise FileError("data folder not found", folder=root, fix="--data FOLDER names it")
        own_split = _has_own_split(root)
        self._root = root / split if own_split else root
        self._split = split
        self.names = _classes(root / "train" if own_split else root)
        if own_split and split == "val":
            _require_known(_classes(self._root), self.names, self._root)
        files = _pictures(self._root, self.names, all_filled=not own_split or split == "train")
        if not (own_split or whole):
            files = [
                name
                for name in files
                if belongs(name, split, seed=data.seed, val_share=data.val_share)
            ]
        if not files:
            raise FileError(
                f"data folder has no pictures for split {split}",
                folder=self._root,
                fix="give more pictures, or another share: --set data.val_share=0.2",
            )
        count = data.train if split == "train" else data.val
        self._files = take(files, count, seed=data.seed, split=split)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self._files)

    def __getitem__(self, index: int) -> Sample:
        """Read picture `index`, in the order of their paths.

        Raises:
            FileError: the file cannot be decoded.
        """
        if not 0 <= index < len(self._files):
            raise IndexError(index)
        name = self._files[index]
        label = self.names.index(name.split("/", 1)[0])
        return Sample(image=read_image(self._root / name), id=name, label=label)

    def digest(self) -> str:
        """Digest of the class names and of the pictures' paths and sizes in bytes."""
        listed = [[name, (self._root / name).stat().st_size] for name in self._files]
        return sha256_json(
            {"format": "imagefolder", "split": self._split, "names": self.names, "files": listed}
        )


def _has_own_split(root: Path) -> bool:
    """Whether root/train and root/val are the splits.

    Raises:
        FileError: root/train holds classes and root/val is missing: its folders would be taken
            for classes.
    """
    train, val = root / "train", root / "val"
    if not train.is_dir() or val.is_dir():
        return train.is_dir()
    if any(path.is_dir() for path in train.iterdir()):
        raise FileError(
            "data folder has train/<class>/ but no val/",
            folder=root,
            found=", ".join(sorted(path.name for path in root.iterdir() if path.is_dir())),
            fix="name the held-out folder val, or --set data.root=FOLDER/train to split it by hash",
        )
    return False


def _classes(root: Path) -> tuple[str, ...]:
    names = sorted(
        path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    if not names:
        raise FileError(
            "data folder has no class folders",
            folder=root,
            fix="put pictures into FOLDER/<class>/, or FOLDER/train/<class>/ and FOLDER/val/...",
        )
    return tuple(names)


def _require_known(found: tuple[str, ...], known: tuple[str, ...], root: Path) -> None:
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise FileError(
            "held-out data has a class that the training data lacks",
            folder=root,
            unknown=unknown[0],
            known=", ".join(known),
        )


def _pictures(root: Path, names: tuple[str, ...], *, all_filled: bool) -> list[str]:
    files: list[str] = []
    for name in names:
        folder = root / name
        found = [
            f"{name}/{path.name}"
            for path in sorted(folder.iterdir() if folder.is_dir() else ())
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
        ]
        if all_filled and not found:
            raise FileError(
                "class folder has no pictures in it",
                folder=folder,
                suffixes=" ".join(sorted(SUFFIXES)),
                fix="put pictures into it, or remove the folder: each folder is a class",
            )
        files += found
    return files
