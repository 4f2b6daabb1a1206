"""NV12 pictures: full-size luma beside half-size chroma pairs, as cameras and decoders give them.

A pixel becomes blue, green, red in 20-bit integers before anything is interpolated, so an NV12
frame gives the same bits as its converted picture, on the CPU and on the device. With the chroma
pair (y // 2, x // 2), u and v less 128, and Y' = max(0, y - offset) * luma + 2^19:

    blue  = clip((Y' + blue_u * u) >> 20, 0, 255)
    green = clip((Y' + green_u * u + green_v * v) >> 20, 0, 255)
    red   = clip((Y' + red_v * v) >> 20, 0, 255)

BT.601 limited has OpenCV's constants (its COLOR_YUV2BGR_NV12, bit for bit); the other three are
the standards' (ITU-R BT.601-7, BT.709-6) rounded to 20 bits. All are within one level of the
real-valued conversion. Chroma is not interpolated: its siting does not matter.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError, UnknownName
from edgecv.ops._jit import jit_available

Array = npt.NDArray[Any]

MATRICES, RANGES = ("601", "709"), ("limited", "full")
_KR_KB = {"601": (0.299, 0.114), "709": (0.2126, 0.0722)}
_ONE = 1 << 20
# elsewhere OpenCV may hand the conversion to a library of the processor's maker (KleidiCV on ARM),
# which need not round as OpenCV's own code does
_OPENCV_IS_PORTABLE = platform.machine() in ("x86_64", "AMD64")


@dataclass(frozen=True)
class Nv12:
    """One frame as a decoder leaves it; rows may be padded (any pitch), pixels may not.

    Attributes:
        y: (H, W) uint8 luma.
        uv: (ceil(H / 2), ceil(W / 2), 2) uint8 chroma, blue difference first.
        matrix: "601" or "709"; None: what the recipe's `input.matrix` says.
        range: "limited" (16..235) or "full" (0..255); None: what `input.range` says.
    """

    y: Array
    uv: Array
    matrix: Literal["601", "709"] | None = None
    range: Literal["limited", "full"] | None = None

    def __post_init__(self) -> None:
        """Check the planes.

        Raises:
            ShapeError: planes of other shapes, dtypes or pixel strides.
            UnknownName: another matrix or range.
        """
        _check_planes(self.y, self.uv)
        if self.matrix not in (None, *MATRICES):
            raise UnknownName("YUV matrix", str(self.matrix), MATRICES)
        if self.range not in (None, *RANGES):
            raise UnknownName("YUV range", str(self.range), RANGES)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.y.shape[0], self.y.shape[1]


class Coefficients(NamedTuple):
    """The integers of the conversion, all but the first in units of 2^-20."""

    offset: int
    luma: int
    blue_u: int
    green_u: int
    green_v: int
    red_v: int


@cache
def coefficients(matrix: str, value_range: str) -> Coefficients:
    """The conversion's integers for a matrix ("601", "709") and a range ("limited", "full")."""
    if (matrix, value_range) == ("601", "limited"):
        return Coefficients(16, 1220542, 2116026, -409993, -852492, 1673527)  # OpenCV's
    limited = value_range == "limited"
    luma, chroma = (255 / 219, 255 / 224) if limited else (1.0, 1.0)
    kr, kb = _KR_KB[matrix]
    kg = 1 - kr - kb
    blue, red = 2 * (1 - kb) * chroma, 2 * (1 - kr) * chroma
    real = (luma, blue, -blue * kb / kg, -red * kr / kg, red)
    return Coefficients(16 if limited else 0, *(round(value * _ONE) for value in real))


def bgr_of(frame: Nv12, out: Array) -> Array:
    """Convert into `out` ((H, W, 3) uint8, C-contiguous) and return it.

    A frame without matrix or range counts as BT.601 limited. The numba loop, the numpy form and
    OpenCV's conversion (BT.601 limited of even sizes, on x86) give the same bits.
    """
    matrix, value_range = frame.matrix or "601", frame.range or "limited"
    even = frame.y.shape[0] % 2 == 0 and frame.y.shape[1] % 2 == 0
    if (matrix, value_range) == ("601", "limited") and even and _OPENCV_IS_PORTABLE:
        import cv2

        cv2.cvtColorTwoPlane(frame.y, frame.uv, cv2.COLOR_YUV2BGR_NV12, dst=out)
        return out
    numbers = coefficients(matrix, value_range)
    if jit_available():
        from edgecv.ops.letterbox.loops import convert_nv12

        convert_nv12(frame.y, frame.uv, np.array(numbers, np.int32), out)
    else:
        _convert(frame, numbers, out)
    return out


def _convert(frame: Nv12, numbers: Coefficients, out: Array) -> None:
    """The formula above in numpy."""
    height, width = frame.size
    pairs = frame.uv.astype(np.int32) - 128
    u, v = pairs.repeat(2, axis=0).repeat(2, axis=1)[:height, :width].transpose(2, 0, 1)
    grey = np.maximum(frame.y.astype(np.int32) - numbers.offset, 0) * numbers.luma + (1 << 19)
    terms = (numbers.blue_u * u, numbers.green_u * u + numbers.green_v * v, numbers.red_v * v)
    for channel, term in enumerate(terms):
        out[:, :, channel] = np.clip((grey + term) >> 20, 0, 255)


def _check_planes(y: Array, uv: Array) -> None:
    fits = isinstance(y, np.ndarray) and isinstance(uv, np.ndarray) and y.ndim == 2 and y.size
    if not fits or uv.shape != ((y.shape[0] + 1) // 2, (y.shape[1] + 1) // 2, 2):
        raise ShapeError(
            "NV12 is a (H, W) plane y and a (ceil(H / 2), ceil(W / 2), 2) plane uv",
            y=getattr(y, "shape", type(y).__name__),
            uv=getattr(uv, "shape", type(uv).__name__),
        )
    if y.dtype != np.uint8 or uv.dtype != np.uint8:
        raise ShapeError("NV12 planes must be uint8", y=y.dtype, uv=uv.dtype)
    together = y.shape[1] == 1 or y.strides[1] == 1
    pairs = uv.strides[2] == 1 and (uv.shape[1] == 1 or uv.strides[1] == 2)
    if not (together and pairs and y.strides[0] >= 0 and uv.strides[0] >= 0):
        raise ShapeError(
            "NV12 rows must be contiguous; only a pitch may lie between them",
            y_strides=y.strides,
            uv_strides=uv.strides,
        )
