"""COCO JSON (Lin et al., arXiv:1405.0312; format: cocodataset.org/#format-data).

Category ids become 0..C-1 in rising order of id. Boxes become xyxy and are clipped to the
picture. Annotations without positive area inside the picture are left out and counted in
`Coco.skipped`; pictures without annotations are kept. `iscrowd` becomes `Sample.crowd`.
With `val_annotations` each split has its own file; without, one file is split by `holdout` on
`file_name`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edgecv.data.coco_file import CocoFile, Entry, read_coco
from edgecv.data.holdout import belongs, take
from edgecv.data.options import Options, read_options
from edgecv.data.sample import Sample
from edgecv.errors import FileError, MissingPackage, RecipeError
from edgecv.files import sha256_file, sha256_json
from edgecv.images import read_image
from edgecv.progress import note
from edgecv.recipe import Data

Array = npt.NDArray[Any]


class CocoOptions(Options):
    """`data.options` of format `coco`.

    Attributes:
        masks: Decode the segmentations too (needs pycocotools).
    """

    masks: bool = False


class Coco:
    """Pictures of one split with their boxes, and masks if asked for.

    Args:
        root: Folder the recipe's paths are relative to.
        split: "train" or "val".
        data: The recipe's data section.

    Raises:
        FileError: an annotation file or a picture is missing, or the file is not COCO JSON.
        RecipeError: no annotation file is named, or more pictures are asked for than there are.
    """

    def __init__(self, root: Path, split: Literal["train", "val"], data: Data) -> None:
        """See the class."""
        own_split = data.val_annotations is not None
        annotations, images = _paths(root, split, data)
        self._annotations = annotations
        self._folder = images
        self._options = read_options(CocoOptions, data.options, "coco")
        content: CocoFile = read_coco(annotations)
        self.names = content.names
        self.skipped = content.skipped
        if content.skipped:
            note(f"{annotations.name}: {content.skipped} boxes outside their picture left out")
        entries = {entry.file: entry for entry in content.entries}
        files = sorted(entries)
        if not own_split:
            share = data.val_share
            files = [n for n in files if belongs(n, split, seed=data.seed, val_share=share)]
        if not files:
            raise FileError(f"annotation file has no pictures for split {split}", file=annotations)
        count = data.train if split == "train" else data.val
        self._entries = [entries[n] for n in take(files, count, seed=data.seed, split=split)]
        self._require_pictures()

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self._entries)

    def __getitem__(self, index: int) -> Sample:
        """Read picture `index`, in the order of file names.

        Raises:
            FileError: the picture cannot be decoded, or its size is not what the JSON says.
            MissingPackage: masks are asked for and pycocotools is not installed.
        """
        if not 0 <= index < len(self._entries):
            raise IndexError(index)
        entry = self._entries[index]
        image = read_image(self._folder / entry.file)
        if image.shape[:2] != (entry.height, entry.width):
            raise FileError(
                "picture has another size than its annotations say",
                file=self._folder / entry.file,
                picture=f"{image.shape[1]} x {image.shape[0]} pixels (after EXIF rotation)",
                annotations=f"{entry.width} x {entry.height} pixels",
            )
        masks = self._masks(entry) if self._options.masks else None
        return Sample(
            image=image,
            id=entry.file,
            boxes=entry.boxes,
            ids=entry.ids,
            crowd=entry.crowd,
            masks=masks,
        )

    def digest(self) -> str:
        """Digest of the annotation file and of which of its pictures are in the split."""
        return sha256_json(
            {
                "format": "coco",
                "annotations": sha256_file(self._annotations),
                "files": [entry.file for entry in self._entries],
            }
        )

    def _require_pictures(self) -> None:
        missing = [e.file for e in self._entries if not (self._folder / e.file).is_file()]
        if missing:
            raise FileError(
                "annotation file names pictures that are not there",
                file=self._annotations,
                folder=self._folder,
                first_missing=missing[0],
                missing=f"{len(missing)} of {len(self._entries)}",
            )

    def _masks(self, entry: Entry) -> Array:
        try:
            from pycocotools import mask as coder
        except ImportError as err:
            raise MissingPackage("pycocotools", "metrics", needed_for="decoding masks") from err
        out = np.zeros((len(entry.boxes), entry.height, entry.width), np.bool_)
        for target, outline in zip(out, entry.outlines, strict=True):
            try:
                target[...] = _decode(coder, outline, entry.height, entry.width)
            except (ValueError, TypeError, KeyError, IndexError) as err:
                raise FileError(
                    "segmentation cannot be decoded",
                    file=self._annotations,
                    picture=entry.file,
                    problem=str(err),
                ) from err
        return out


def _decode(coder: Any, outline: Any, height: int, width: int) -> Array:
    """One object's (H, W) bool mask from polygons, an uncompressed or a compressed RLE."""
    if isinstance(outline, list):
        if not outline:
            return np.zeros((height, width), np.bool_)
        parts = coder.frPyObjects(outline, height, width)
    elif isinstance(outline, dict) and isinstance(outline.get("counts"), list):
        parts = [coder.frPyObjects(outline, height, width)]
    elif isinstance(outline, dict):
        parts = [outline]
    else:
        return np.zeros((height, width), np.bool_)
    mask: Array = coder.decode(coder.merge(parts)).astype(np.bool_)
    if mask.shape != (height, width):
        raise ValueError(f"the mask is {mask.shape}, the picture {(height, width)}")
    return mask


def _paths(root: Path, split: str, data: Data) -> tuple[Path, Path]:
    """The annotation file and the picture folder of a split."""
    own_split = data.val_annotations is not None
    use_val = split == "val" and own_split
    annotations = data.val_annotations if use_val else data.train_annotations
    if annotations is None:
        raise RecipeError(
            f"data.train_annotations is missing: split {split} of format coco reads it",
            fix="--set data.train_annotations=FILE.json",
        )
    images = (data.val_images if use_val else None) or data.train_images or Path()
    if not (root / images).is_dir():
        raise FileError("picture folder not found", folder=root / images)
    return root / annotations, root / images
