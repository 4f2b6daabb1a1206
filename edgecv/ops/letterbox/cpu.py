"""CPU twin of letterbox: OpenCV resizes, one pass reorders and normalises.

The pass is a numba loop where numba is installed (it vectorises), else numpy; both round the same
two float32 operations, so the bits are equal. Buffers for the resized image are kept per thread:
a steady stream of frames allocates nothing.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._jit import jit_available
from edgecv.ops.letterbox import Fit, Target

Array = npt.NDArray[Any]

_OPENCV = {"linear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA}
_local = threading.local()


def letterbox(image: Array, out: Array, place: Fit, target: Target) -> None:
    """See `edgecv.ops.letterbox`; the arguments are checked there."""
    small = resized(image, (place.height, place.width), target.interpolation)
    if target.color == "gray":
        small = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)[:, :, None]
    constants = _constants(target.color, target.mean, target.std)
    if jit_available():
        from edgecv.ops.letterbox import loops

        loops.normalise(small, out, place.top, place.left, constants, np.float32(target.pad))
    else:
        normalise(small, out, (place.top, place.left), constants, np.float32(target.pad))


def resized(image: Array, size: tuple[int, int], interpolation: str) -> Array:
    """`image` at `size` (height, width), (h, w, 3) uint8, in a buffer this thread reuses."""
    if image.strides[1:] != (3, 1) or image.strides[0] < 0:
        image = np.ascontiguousarray(image)
    small = _buffer(size)
    if image.shape[:2] == size:
        np.copyto(small, image)
    elif interpolation == "antialias":
        from edgecv.ops.letterbox.antialias import resize_antialias

        resize_antialias(image, small)
    else:
        try:
            cv2.resize(image, size[::-1], dst=small, interpolation=_OPENCV[interpolation])
        except cv2.error as err:
            raise ShapeError(
                "OpenCV cannot resize this image", got=f"{image.shape}", to=f"{size}"
            ) from err
    return small


def normalise(
    small: Array, out: Array, corner: tuple[int, int], constants: Array, pad: np.float32
) -> None:
    """Write (small - mean) / std at `corner` of `out` and the padding around it (numpy form).

    Args:
        small: (h, w, C) uint8.
        out: (C, H, W) float32.
        corner: (top, left) of `small` in `out`; negative where `small` sticks out.
        constants: (3, C) float32: channel of `small` to take, mean, std, per output channel.
        pad: Grey level outside `small`.
    """
    top, left = corner
    rows = slice(max(0, top), min(out.shape[1], top + small.shape[0]))
    cols = slice(max(0, left), min(out.shape[2], left + small.shape[1]))
    inner = small[rows.start - top : rows.stop - top, cols.start - left : cols.stop - left]
    for channel, (source, mean, std) in enumerate(constants.T):
        plane = out[channel]
        grey = (pad - mean) / std
        plane[: rows.start], plane[rows.stop :] = grey, grey
        plane[rows, : cols.start], plane[rows, cols.stop :] = grey, grey
        place = plane[rows, cols]
        np.subtract(inner[:, :, int(source)], mean, out=place)
        np.divide(place, std, out=place)


@lru_cache(maxsize=64)
def _constants(color: str, mean: tuple[float, ...], std: tuple[float, ...]) -> Array:
    order = {"rgb": (2, 1, 0), "bgr": (0, 1, 2), "gray": (0,)}[color]
    return np.array([order, mean, std], dtype=np.float32)


def _buffer(size: tuple[int, int]) -> Array:
    kept: Array | None = getattr(_local, "buffer", None)
    if kept is None or kept.shape[:2] != size:
        kept = _local.buffer = np.empty((*size, 3), np.uint8)
    return kept
