"""CPU twin of letterbox: OpenCV resizes, one pass reorders and normalises.

The pass is a numba loop where numba is installed (it vectorises), else numpy; both round the same
two float32 operations, so the bits are equal.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._jit import jit_available
from edgecv.ops.letterbox import Fit, Target
from edgecv.ops.letterbox.nv12 import Nv12, bgr_of
from edgecv.ops.letterbox.scratch import scratch

Array = npt.NDArray[Any]

Window = tuple[tuple[int, int], tuple[int, int]]
_GRAY = {"bgr": cv2.COLOR_BGR2GRAY, "rgb": cv2.COLOR_RGB2GRAY}
_OPENCV = {"linear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA}


def letterbox(
    image: Array | Nv12, out: Array, place: Fit, target: Target, color: str = "bgr"
) -> None:
    """See `edgecv.ops.letterbox`; the arguments are checked there."""
    if isinstance(image, Nv12):
        image, color = bgr_of(image, scratch("converted", (*image.size, 3))), "bgr"
    small = resized(image, (place.height, place.width), target.interpolation, _seen(out, place))
    top, left = max(0, place.top), max(0, place.left)
    if small.shape[:2] == (place.height, place.width):  # all of it, whether seen or not
        top, left = place.top, place.left
    if target.color == "gray":
        small = cv2.cvtColor(small, _GRAY[color])[:, :, None]
    constants = _constants(_order(color, target.color), target.mean, target.std)
    if jit_available():
        from edgecv.ops.letterbox import loops

        loops.normalise(small, out, top, left, constants, np.float32(target.pad))
    else:
        normalise(small, out, (top, left), constants, np.float32(target.pad))


def resized(
    image: Array, size: tuple[int, int], interpolation: str, seen: Window | None = None
) -> Array:
    """`image` at `size` (height, width), (h, w, 3) uint8, in a buffer this thread reuses.

    With `seen`, antialias computes only those rows and columns and returns just them: its filter
    is the dear part of a centre crop. OpenCV's resizes are always whole.
    """
    if image.strides[1:] != (3, 1) or image.strides[0] < 0:
        image = np.ascontiguousarray(image)
    if image.shape[:2] == size:
        small = scratch("small", (*size, 3))
        np.copyto(small, image)
    elif interpolation == "antialias":
        from edgecv.ops.letterbox.antialias import resize_antialias

        rows, columns = seen or ((0, size[0]), (0, size[1]))
        small = scratch("small", (rows[1] - rows[0], columns[1] - columns[0], 3))
        resize_antialias(image, small, size, (rows[0], columns[0]))
    else:
        small = scratch("small", (*size, 3))
        try:
            cv2.resize(image, size[::-1], dst=small, interpolation=_OPENCV[interpolation])
        except cv2.error as err:
            raise ShapeError(
                "OpenCV cannot resize this image", got=f"{image.shape}", to=f"{size}"
            ) from err
    return small


def _seen(out: Array, place: Fit) -> Window:
    """First and last-plus-one row and column of the resized image that lie inside `out`."""
    sides = zip(place[:2], place[2:], out.shape[1:], strict=True)
    rows, columns = ((max(0, -at), min(side, limit - at)) for at, side, limit in sides)
    return rows, columns


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


def _order(given: str, wanted: str) -> tuple[int, ...]:
    """Channel of the picture that each channel of the network takes."""
    if wanted == "gray":
        return (0,)
    return (0, 1, 2) if given == wanted else (2, 1, 0)


@lru_cache(maxsize=64)
def _constants(order: tuple[int, ...], mean: tuple[float, ...], std: tuple[float, ...]) -> Array:
    return np.array([order, mean, std], dtype=np.float32)
