"""Upsample class scores and take the best class, fused: never (C, H, W) at the output's size.

What every twin must compute, bit for bit, in float32 operations that round once each:

1. Output pixel j of an axis reads at u = clip(scale * j + offset, 0, n - 1) of its n source
   pixels (`sampling`): low = floor(u), high = min(low + 1, n - 1), f = u - low.
2. A class's value: both columns first, left = a + fy * (c - a) and right = b + fy * (d - b) with
   a, b the upper taps and c, d the lower ones; then left + fx * (right - left).
3. The label is the class of the largest value; of equal ones the lowest. A value that is NaN is
   never the largest (a tap counts even where its weight is 0); where all are NaN the label is 0.

Interpolating before comparing is what segmentation networks end in (`interpolate`, then `argmax`);
torch computes u and the weights in another order, so labels differ from its where two classes are
equal up to rounding.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("label_map", atol=0.0, share=0.0)

MAX_CLASSES = 256  # labels are uint8
MAX_LABELS = 1 << 21  # of one picture: 1080 x 1920 and a little; larger pictures get a coarser grid


class Axis(NamedTuple):
    """Where output pixel j of one direction reads: source pixel scale * j + offset."""

    length: int
    scale: float
    offset: float


class Sampling(NamedTuple):
    """Both directions of an output."""

    y: Axis
    x: Axis

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the output in pixels."""
        return self.y.length, self.x.length


class Window(NamedTuple):
    """A part of the network's input that the output shows, in input pixels, and the input's size.

    For a letterboxed picture that is its Fit: (top, left, height, width).
    """

    top: float
    left: float
    height: float
    width: float
    input_size: tuple[int, int]


def sampling(
    logits: tuple[int, int],
    size: tuple[int, int],
    window: Window | None = None,
    *,
    align_corners: bool = False,
) -> Sampling:
    """How an output of `size` reads scores of size `logits`.

    The scores cover the network's input: edge to edge (torch's default, half-pixel centres), or
    with `align_corners` corner centre to corner centre.

    Args:
        logits: (h, w) of the scores.
        size: (H, W) of the output in pixels.
        window: What part of the input the output shows; none: all of it, and `align_corners`
            then means torch's `interpolate(scores, size, align_corners=True)`.
        align_corners: As the network was trained.
    """
    whole = window or Window(0, 0, *size, size)
    parts = zip(logits, size, whole[:2], whole[2:4], whole.input_size, strict=True)
    axes: list[Axis] = []
    for cells, length, start, extent, side in parts:
        step = extent / length  # input pixels per output pixel
        first = start + 0.5 * step  # the first output pixel's centre, in the input
        if align_corners:
            ratio = (cells - 1) / (side - 1) if side > 1 else 0.0
            scale, offset = step * ratio, (first - 0.5) * ratio
        else:
            scale, offset = step * cells / side, first * cells / side - 0.5
        axes.append(Axis(int(length), float(np.float32(scale)), float(np.float32(offset))))
    return Sampling(*axes)


def grid_of(image_size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of the labels of a picture: the picture's own, or its k-th part each way.

    k is the smallest that leaves at most `MAX_LABELS`, sides rounded up: labels much finer than
    the network's input say nothing new, and results stay small.
    """
    height, width, k = *image_size, 1
    while -(-height // k) * -(-width // k) > MAX_LABELS:
        k += 1
    return -(-height // k), -(-width // k)


def spread(labels: Array, image_size: tuple[int, int]) -> Array:
    """(H, W) labels of a picture from (h, w) of its grid; each pixel has its corner's."""
    if labels.shape == tuple(image_size):
        return labels
    rows, columns = (
        np.arange(side) * cells // side
        for side, cells in zip(image_size, labels.shape, strict=True)
    )
    return np.ascontiguousarray(labels[rows][:, columns])


def nearest(labels: Array, read: Sampling) -> Array:
    """Labels that a network has chosen already, (h, w), read at the nearest source pixel."""
    rows, columns = (
        np.minimum(low + (fraction >= np.float32(0.5)), cells - 1)
        for axis, cells in zip(read, labels.shape, strict=True)
        for low, _, fraction in [taps(axis, cells)]
    )
    return np.ascontiguousarray(labels[rows][:, columns])


def taps(axis: Axis, cells: int) -> tuple[Array, Array, Array]:
    """Lower and upper source index (int32) and fraction (float32) of every output pixel."""
    at = np.arange(axis.length, dtype=np.float32) * np.float32(axis.scale)
    at = np.clip(at + np.float32(axis.offset), np.float32(0), np.float32(cells - 1))
    low = at.astype(np.int32)
    return low, np.minimum(low + 1, cells - 1).astype(np.int32), at - low.astype(np.float32)


def label_map(
    logits: Array, read: Sampling, out: Array | None = None, *, provider: str = "cpu"
) -> Array:
    """Labels at the size of `read`.

    Args:
        logits: (C, h, w) float32 or float16, 1 <= C <= 256.
        read: From `sampling((h, w), ...)`.
        out: (H, W) uint8, C-contiguous, to write into; none: a new array.
        provider: "cpu". The CUDA twin is `cuda.LabelMapPlan`.

    Returns:
        (H, W) uint8.

    Raises:
        ShapeError: scores of another shape or type, more than 256 classes, or a wrong `out`.
        MachineError: `provider` cannot run on this machine.
    """
    check_logits(logits.shape, str(logits.dtype))
    if out is None:
        out = np.empty(read.size, np.uint8)
    if out.shape != read.size or out.dtype != np.uint8 or not out.flags.c_contiguous:
        raise ShapeError(
            f"labels must be a C-contiguous {read.size} uint8 array",
            got=f"{out.shape} {out.dtype}",
        )
    OP.on(provider)(logits, read, out)
    return out


def check_logits(shape: tuple[int, ...], dtype: str) -> None:
    """Refuse what is not (C, h, w) scores of at most 256 classes.

    Raises:
        ShapeError: it is not.
    """
    if len(shape) != 3 or 0 in shape or dtype not in ("float32", "float16"):
        raise ShapeError(
            "scores must be a non-empty (C, h, w) float32 or float16 array", got=f"{shape} {dtype}"
        )
    if shape[0] > MAX_CLASSES:
        raise ShapeError(
            f"labels are uint8: at most {MAX_CLASSES} classes", got=f"{shape[0]} classes"
        )
