"""Resize an image into a network's input, pad the rest, reorder channels and normalise, fused.

What every twin must compute, bit for bit (the CUDA twin's plan is `cuda.LetterboxPlan`):

0. NV12 becomes blue, green, red in integers first (`nv12`), at every source pixel that is read.

1. Resize to `Fit.height` x `Fit.width` in uint8. `linear` is OpenCV's 11-bit bilinear (see
   tests/ops/letterbox for an integer reference; at exactly 1/2 in both directions OpenCV averages
   2x2 pixels); `antialias` is Pillow's triangle filter in its 22-bit arithmetic, horizontal pass
   first (the filter torchvision and timm weights were trained with); `area` is OpenCV's INTER_AREA.
2. Place it at (`Fit.top`, `Fit.left`), which are negative when a centre is cut out; the rest of
   the output is `Target.pad`.
3. value = (float32(pixel) - mean) / std, each step rounded to the nearest float32, in the order of
   `Target.color`; gray is OpenCV's BGR2GRAY of the resized image.
4. On the device: the value as float32, as float16 (to nearest even), or as int8 with the network's
   first quantisation folded in, q = clip(rint(value / scale), -128, 127) (`levels`).

The arithmetic of 1 is that of OpenCV's portable code, which its x86 builds give bit for bit.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError, UnknownName
from edgecv.ops._op import Op
from edgecv.ops.letterbox.nv12 import Nv12

Array = npt.NDArray[Any]
Resize = Literal["letterbox", "stretch", "crop"]
Stored = Literal["float32", "float16", "int8"]
Color = Literal["bgr", "rgb"]
COLORS = ("bgr", "rgb")

OP = Op("letterbox", atol=0.0, share=0.0)

_MAX_RESIZED = 1 << 26  # pixels; a 1 x 10000 strip cropped to 224 would be resized to gigabytes


class Fit(NamedTuple):
    """Where the whole resized image lands, in output pixels; it may stick out (crop)."""

    top: int
    left: int
    height: int
    width: int


class Target(NamedTuple):
    """What the network wants of a pixel.

    `mean`, `std`: one value per channel, in the order of `color`, in 0..255 units.
    `pad`: grey level of what no pixel covers, before normalising.
    """

    color: Literal["rgb", "bgr", "gray"] = "rgb"
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (255.0, 255.0, 255.0)
    pad: int = 114
    interpolation: Literal["linear", "antialias", "area"] = "linear"


@lru_cache(maxsize=256)  # a video asks the same for every frame
def fit(
    src: tuple[int, int],
    dst: tuple[int, int],
    resize: Resize = "letterbox",
    crop_ratio: float = 0.875,
) -> Fit:
    """Place an image of size `src` in an output of size `dst`.

    letterbox: the largest centred placement; sides rounded half to even, at least 1 pixel, an odd
    pixel of padding goes below and to the right (as Ultralytics' LetterBox, so that its weights
    see the pixels they were trained on). stretch: all of `dst`. crop: the image just covers
    floor(dst / crop_ratio), its longer side truncated, and the centre is cut out, rounded half to
    even (as torchvision's Resize and CenterCrop, and timm's crop_pct).

    Args:
        src: (height, width) of the image in pixels.
        dst: (height, width) of the output in pixels.
        resize: Which of the three.
        crop_ratio: For crop, 0 < ratio <= 1.

    Raises:
        ShapeError: crop of an image so elongated that its resized form would not fit in memory.
    """
    if resize == "stretch":
        return Fit(0, 0, *dst)
    if resize == "letterbox":
        scale = min(dst[0] / src[0], dst[1] / src[1])
        height, width = (max(1, round(side * scale)) for side in src)
        return Fit((dst[0] - height) // 2, (dst[1] - width) // 2, height, width)
    cover = (int(dst[0] / crop_ratio), int(dst[1] / crop_ratio))
    if cover[0] * src[1] >= cover[1] * src[0]:  # the height decides
        height, width = cover[0], max(cover[1], cover[0] * src[1] // src[0])
    else:
        height, width = max(cover[0], cover[1] * src[0] // src[1]), cover[1]
    if height * width > _MAX_RESIZED:
        raise ShapeError(
            "image is too elongated for resize: crop",
            image=f"{src[0]} x {src[1]} pixels (height x width)",
            resized=f"{height} x {width} pixels",
            fix="use resize: letterbox, or cut the image",
        )
    return Fit(-round((height - dst[0]) / 2), -round((width - dst[1]) / 2), height, width)


def levels(target: Target, dtype: Stored = "float32", scale: float = 1.0) -> Array:
    """What each grey level becomes: (C, 256) of `dtype`, C in the order of `target.color`.

    Args:
        target: Its mean and std.
        dtype: What the network takes.
        scale: For int8: the step of the network's first quantisation (symmetric).

    Raises:
        UnknownName: another dtype.
    """
    mean, std = (np.array(v, np.float32)[:, None] for v in (target.mean, target.std))
    values: Array = (np.arange(256, dtype=np.float32) - mean) / std
    if dtype == "int8":
        return np.clip(np.rint(values / np.float32(scale)), -128, 127).astype(np.int8)
    if dtype not in ("float32", "float16"):
        raise UnknownName("dtype of a network's input", dtype, ("float32", "float16", "int8"))
    return values.astype(dtype)


def size_of(image: Array | Nv12) -> tuple[int, int]:
    """(height, width) of a checked image in pixels."""
    return image.size if isinstance(image, Nv12) else (image.shape[0], image.shape[1])


def unreversed(image: Array, color: Color) -> tuple[Array, Color]:
    """`image[:, :, ::-1]` of packed pixels is the packed picture in the other channel order."""
    if image.strides[1:] == (3, -1):
        return image[:, :, ::-1], "rgb" if color == "bgr" else "bgr"
    return image, color


def check_image(image: Array | Nv12, color: str = "bgr") -> None:
    """Refuse what is neither a non-empty (H, W, 3) uint8 picture nor an NV12 frame.

    Raises:
        ShapeError: wrong type, rank, channel count or dtype, or no pixels.
        UnknownName: `color` is neither "bgr" nor "rgb".
    """
    if color not in COLORS:
        raise UnknownName("color order", color, COLORS)
    if isinstance(image, Nv12):
        return
    if not isinstance(image, np.ndarray):
        raise ShapeError(
            "an image must be a (H, W, 3) uint8 array in BGR order", got=type(image).__name__
        )
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ShapeError(
            "an image must be a non-empty (H, W, 3) uint8 array in BGR order",
            got=f"{image.shape} {image.dtype}",
        )


def check_output(out: Array, target: Target) -> None:
    """Refuse what the result cannot be written into as it stands.

    Raises:
        ShapeError: `out` is not a writable C-contiguous (C, H, W) float32 array.
    """
    channels = 1 if target.color == "gray" else 3
    right = isinstance(out, np.ndarray) and out.ndim == 3 and out.shape[0] == channels
    if not right or out.dtype != np.float32 or out.size == 0:
        raise ShapeError(
            f"the output must be a non-empty ({channels}, H, W) float32 array",
            got=f"{getattr(out, 'shape', '')} {getattr(out, 'dtype', type(out).__name__)}",
        )
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise ShapeError("the output must be C-contiguous and writable", got=f"{out.strides}")


def letterbox(
    image: Array | Nv12,
    out: Array,
    place: Fit,
    target: Target,
    *,
    color: Color = "bgr",
    provider: str = "cpu",
) -> None:
    """Resize, pad, reorder and normalise `image` into `out`.

    Args:
        image: (H, W, 3) uint8, any strides, or an NV12 frame.
        out: (C, h, w) float32, C-contiguous; C is 1 for gray, else 3. Every element is written.
        place: From `fit((H, W), (h, w), ...)`.
        target: Colour, normalisation, padding and interpolation.
        color: Channel order of an array.
        provider: "cpu". The twins agree to `OP.atol` in a share of at most `OP.share`.

    Raises:
        ShapeError: a wrong image or output.
        UnknownName: another `color`.
        MachineError: `provider` cannot run on this machine.
    """
    check_image(image, color)
    check_output(out, target)
    if not isinstance(image, Nv12):
        image, color = unreversed(image, color)
    OP.on(provider)(image, out, place, target, color)
