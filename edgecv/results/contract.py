"""What every result checks, prints and draws with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import MissingPackage, ShapeError

Array = npt.NDArray[Any]


def require(what: str, array: Array, shape: tuple[int | None, ...], dtype: str) -> None:
    """Refuse an array of another shape (None is any size) or dtype: ShapeError."""
    fits = array.ndim == len(shape) and all(
        want is None or want == got for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype != np.dtype(dtype):
        want = "(" + ", ".join("N" if side is None else str(side) for side in shape) + ")"
        raise ShapeError(f"{what} must be {want} {dtype}", got=f"{array.shape} {array.dtype}")


def label(names: tuple[str, ...], index: int) -> str:
    """The name of class `index`, or its number as text."""
    return names[index] if 0 <= index < len(names) else str(index)


def json_number(value: float, digits: int) -> float | None:
    """JSON has no NaN: what a broken network gives becomes null."""
    return round(value, digits) if math.isfinite(value) else None


def canvas_of(image: Array, image_size: tuple[int, int]) -> Array:
    """A copy to draw on, of the picture the results are of; ShapeError for another one."""
    if image.shape != (*image_size, 3) or image.dtype != np.uint8:
        raise ShapeError(
            "results are drawn on the picture they are of, (H, W, 3) uint8 BGR",
            got=f"{image.shape} {image.dtype}",
            needed=f"({image_size[0]}, {image_size[1]}, 3) uint8",
        )
    return np.array(image, order="C")


def supervision_module() -> Any:
    """The package that draws; MissingPackage where it is not installed."""
    try:
        import supervision
    except ImportError as err:
        raise MissingPackage("supervision", "draw", needed_for="drawing results") from err
    return supervision


def supervision_keypoints(places: Array, scores: Array) -> Any:
    """`supervision.KeyPoints` of (N, K, 2) places in pixels and (N, K) scores, both copied."""
    sv = supervision_module()
    try:
        return sv.KeyPoints(xy=places.copy(), keypoint_confidence=scores.copy())
    except TypeError:  # before 0.29
        return sv.KeyPoints(xy=places.copy(), confidence=scores.copy())
