"""What a labelled picture is, and what a data set can do. Every reader returns these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError

Array = npt.NDArray[Any]


def _no_boxes() -> Array:
    return np.zeros((0, 4), np.float32)


def _no_ids() -> Array:
    return np.zeros(0, np.int64)


@dataclass(frozen=True)
class Sample:
    """One picture with every label it has; labels a task does not need are None or empty.

    Coordinates: x to the right, y down, in pixels; the origin is the outer corner of the top-left
    pixel, so a box around one pixel (x, y) is (x, y, x + 1, y + 1).

    Attributes:
        image: (H, W, 3) uint8 BGR.
        id: Unique within its data set; names the file, or the split and index.
        label: Class of the whole picture (classify), else None.
        boxes: (N, 4) float32 xyxy, each with a positive area inside the picture.
        ids: (N,) int64 class ids of the boxes.
        masks: (N, H, W) bool, the visible pixels of each object, or None.
        semantic: (H, W) uint8: 0 background, class id + 1 elsewhere, or None.
        keypoints: (N, K, 3) float32 x, y, visible (0 unlabelled, 1 hidden, 2 visible), or None.
        crowd: (N,) bool: the box covers a group or an object too hidden to be asked for. It is
            neither trained on as an object nor counted as a miss, and detections on it are ignored.
    """

    image: Array
    id: str
    label: int | None = None
    boxes: Array = field(default_factory=_no_boxes)
    ids: Array = field(default_factory=_no_ids)
    masks: Array | None = None
    semantic: Array | None = None
    keypoints: Array | None = None
    crowd: Array | None = None

    def __post_init__(self) -> None:
        """Check the contract; a missing `crowd` becomes all False."""
        count = len(self.boxes)
        if self.crowd is None:
            object.__setattr__(self, "crowd", np.zeros(count, np.bool_))
        size = self.image.shape[:2]
        _require("image", self.image, (*size, 3), "uint8")
        _require("boxes", self.boxes, (count, 4), "float32")
        _require("ids", self.ids, (count,), "int64")
        _require("crowd", self.crowd, (count,), "bool")
        _require("masks", self.masks, (count, *size), "bool")
        _require("semantic", self.semantic, size, "uint8")
        if self.keypoints is not None:
            joints = self.keypoints.shape[1] if self.keypoints.ndim == 3 else 0
            _require("keypoints", self.keypoints, (count, joints, 3), "float32")


def _require(name: str, array: Array | None, shape: tuple[int, ...], dtype: str) -> None:
    if array is None:
        return
    if array.shape != shape or array.dtype != dtype:
        raise ShapeError(
            f"Sample.{name} has the wrong shape or dtype",
            want=f"{shape} {dtype}",
            got=f"{array.shape} {array.dtype}",
        )


def tight_boxes(masks: Array) -> Array:
    """(N, 4) float32 xyxy around the set pixels of (N, H, W) bool masks, none of them empty."""
    if len(masks) == 0:
        return np.zeros((0, 4), np.float32)
    height, width = masks.shape[1:]
    rows: Array = np.logical_or.reduce(masks, axis=2)
    columns: Array = np.logical_or.reduce(masks, axis=1)
    low = columns.argmax(1), rows.argmax(1)
    high = width - columns[:, ::-1].argmax(1), height - rows[:, ::-1].argmax(1)
    return np.stack([*low, *high], 1).astype(np.float32)


class Dataset(Protocol):
    """Labelled pictures by index. The same index gives the same bytes, in any order and process."""

    @property
    def names(self) -> tuple[str, ...]:
        """Class names; index = class id."""
        ...

    def __len__(self) -> int:
        """Number of samples."""
        ...

    def __getitem__(self, index: int) -> Sample:
        """The sample at `index` in 0..len-1; IndexError outside."""
        ...

    def digest(self) -> str:
        """Hex sha256 of what the data set is made of: its specification or its list of files."""
        ...
