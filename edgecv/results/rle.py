"""COCO's run-length encoding of binary masks, as pycocotools writes it, in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError

Array = npt.NDArray[Any]


def encode(window: Array, corner: tuple[int, int], size: tuple[int, int]) -> dict[str, Any]:
    """The encoding of a picture that is False outside a window; only the window is read.

    Args:
        window: (h, w) bool.
        corner: (top, left) of the window in the picture, which it does not leave.
        size: (H, W) of the picture.

    Returns:
        {"size": [H, W], "counts": text}: lengths of runs of 0 and 1 in turn, down the columns,
        each as its difference from the one before the last, in 5-bit groups (COCO's
        "compressed RLE", which pycocotools decodes).
    """
    height, width = size
    columns = np.pad(window.T.astype(np.int8), ((0, 0), (1, 1)))
    column, row = np.nonzero(np.diff(columns, axis=1))
    edges = (corner[1] + column) * height + corner[0] + row  # begin, end, begin, …
    if len(edges) > 2:  # a run that ends with its column goes on in the next
        joined = edges[1:-1].reshape(-1, 2)
        apart = np.repeat(joined[:, 0] != joined[:, 1], 2)
        edges = np.concatenate([edges[:1], edges[1:-1][apart], edges[-1:]])
    counts = np.diff(np.concatenate([[0], edges, [height * width]]))
    if len(edges) and edges[-1] == height * width:
        counts = counts[:-1]
    return {"size": [height, width], "counts": _to_text(counts)}


def decode(encoded: Mapping[str, Any]) -> Array:
    """The (H, W) bool mask of an encoding.

    Raises:
        ShapeError: the runs do not fill the picture.
    """
    height, width = encoded["size"]
    counts = _to_counts(encoded["counts"])
    if sum(counts) != height * width or min(counts, default=0) < 0:
        raise ShapeError(
            "the runs of a mask must fill its picture", size=(height, width), runs=sum(counts)
        )
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return np.ascontiguousarray(flat.reshape(width, height).T)


def _to_text(counts: Array) -> str:
    """Differences in groups of 5 bits, the lowest first; bit 5 of a character says more follow."""
    rest = counts.astype(np.int64)
    rest[3:] -= counts[1:-2]
    text = np.zeros((len(rest), 13), np.uint8)
    going = np.ones(len(rest), bool)
    for group in range(text.shape[1]):
        low = rest & 31
        rest >>= 5
        more = rest != np.where(low & 16, -1, 0)
        text[going, group] = (low + 48 + 32 * more)[going]
        going &= more
    return text[text > 0].tobytes().decode("ascii")


def _to_counts(text: str) -> list[int]:
    counts: list[int] = []
    value = shift = 0
    for character in text.encode("ascii"):
        part = character - 48
        value |= (part & 31) << shift
        shift += 5
        if not part & 32:
            value -= (1 << shift) if part & 16 else 0
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    return counts
