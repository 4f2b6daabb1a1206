"""CUDA twin of letterbox: what it allocates, and what its kernels are told.

Bit-equal to the CPU twin for every resize, interpolation, source and output type: the kernels do
the same integer, float and double operations, and what a grey level becomes is a table that the
host computes. Not run on a GPU yet: executed on the CPU by the emulator of tests/cuda_emulator.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops.letterbox import (
    Color,
    Fit,
    Stored,
    Target,
    check_image,
    levels,
    size_of,
    unreversed,
)
from edgecv.ops.letterbox.nv12 import Nv12, coefficients

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

Array = npt.NDArray[Any]

SOURCE = Path(__file__).with_name("letterbox.cu")
BLOCK_WORDS = 32  # int32 per slot of the parameter block
_TILE = (8, 32)  # output rows and columns of a thread block
_KINDS = {"linear": 0, "linear_area": 1, "half": 2, "area": 3, "area_whole": 4, "antialias": 5}
_PACKED, _LUMA, _CHROMA = 3, 1, 2  # bytes per pixel of an array; of NV12's planes per sample


class Output(NamedTuple):
    """What the network's input tensor holds.

    `dtype`: float32, float16 or int8.
    `layout`: "chw", or TensorRT's interleaved "hwc8" (its kHWC8, which is float16 only).
    `scale`: for int8: the step of the network's first quantisation, folded in.
    """

    dtype: Stored = "float32"
    layout: Literal["chw", "hwc8"] = "chw"
    scale: float = 1.0


FLOAT32 = Output()


class LetterboxPlan:
    """Letterbox of up to `batch` frames at once.

    Frames may be of any size up to `max_frame`, in any mix of BGR, RGB and NV12: sizes, places and
    formats are read from a parameter block on the device, so one captured graph serves them all.

    The caller owns three arrays: `frames` (batch, n) uint8, a slot's bytes first in its row and
    n >= what `stage` wrote (`frame_bytes` always is enough); `blocks` (batch, 32) int32, a row from
    `stage` or `parameters`, or zeros for a slot without a frame, whose output becomes zeros; `out`,
    the network's input: (batch, C, h, w), or (batch, h, w, 8) for layout hwc8. For one slot:

        rows = plan.stage(image, fit(size_of(image), plan.size), pinned_frames[0])
        pinned_blocks[0] = rows; upload both; plan.enqueue(stream, frames, blocks, out)

    One kernel for `linear`; `area` has two more that fill tables and take the slots that shrink;
    `antialias` has three (tables, horizontal, vertical). All are launched for the capacity, threads
    without a pixel leave at once. Scratch is 0 for linear.

    Attributes:
        size: (height, width) of the network's input.
        frame_bytes: Bytes of the largest frame without padding between its rows.
    """

    def __init__(
        self,
        session: Session,
        *,
        size: tuple[int, int],
        target: Target,
        batch: int = 1,
        max_frame: tuple[int, int] = (2160, 3840),
        output: Output = FLOAT32,
    ) -> None:
        """Allocate tables and scratch; load the kernels. Call inside `session.current()`.

        Args:
            session: The device.
            size: (height, width) of the network's input.
            target: Colour, normalisation, padding and interpolation.
            batch: Slots.
            max_frame: Largest (height, width) of a frame, each on its own.
            output: Type and layout of the network's input.

        Raises:
            ShapeError: hwc8 of another type than float16.
        """
        if output.layout == "hwc8" and output.dtype != "float16":
            raise ShapeError("layout hwc8 holds float16", got=output.dtype, fix="use layout chw")
        self.size, self.target, self._batch, self._max = size, target, batch, max_frame
        self.frame_bytes = max_frame[0] * max_frame[1] * _PACKED
        table = levels(target, output.dtype, output.scale)
        self._form = _form(table, output.layout, target.pad)
        self._table = session.upload(table)
        room = 5 * max(size) + 2 * max(max_frame)  # see letterbox.cu: starts, counts, weights
        filtered = target.interpolation != "linear"
        self._room = room if filtered else 0
        self._tables = session.empty((batch, 2, room), "int32") if filtered else None
        middle = (batch, max_frame[0], size[1], _PACKED)
        antialias = target.interpolation == "antialias"
        self._middle = session.empty(middle, "uint8") if antialias else None
        kernels = session.kernels(SOURCE)
        self._linear = kernels.function("letterbox_linear", "PqPPPiii")
        self._fill = kernels.function("letterbox_tables", "PPiii")
        self._across = kernels.function("letterbox_across", "PqPPPiiii")
        self._down = kernels.function("letterbox_down", "PPPPPiiiii")
        self._area = kernels.function("letterbox_area", "PqPPPPiiii")

    def stage(self, image: Array | Nv12, place: Fit, slot: Array, *, color: Color = "bgr") -> Array:
        """Copy a frame into its (pinned) slot without padding; returns its row of the block.

        Args:
            image: (H, W, 3) uint8, any strides, or an NV12 frame.
            place: From `fit`.
            slot: (n,) uint8, n >= the frame's bytes.
            color: Channel order of an array.

        Returns:
            (32,) int32, to be copied, not changed: it is kept for the next frame of this size.

        Raises:
            ShapeError: not an image, or larger than `max_frame`.
        """
        check_image(image, color)
        size = size_of(image)
        self._require_room(size)
        if not isinstance(image, Nv12):
            image, color = unreversed(image, color)
            np.copyto(slot[: image.size].reshape(image.shape), image)
            return self.parameters(size, place, color=color)
        luma = size[0] * size[1]
        np.copyto(slot[:luma].reshape(size), image.y)
        np.copyto(slot[luma : luma + image.uv.size].reshape(image.uv.shape), image.uv)
        yuv = (image.matrix or "601", image.range or "limited")
        return self.parameters(size, place, yuv=yuv)

    def parameters(
        self,
        size: tuple[int, int],
        place: Fit,
        *,
        color: str = "bgr",
        yuv: tuple[str, str] | None = None,
        pitch: int = 0,
        uv: tuple[int, int] = (0, 0),
    ) -> Array:
        """The row of the parameter block of a frame that is on the device already.

        Args:
            size: (height, width) of the frame in pixels.
            place: From `fit`.
            color: Channel order of a packed frame.
            yuv: (matrix, range) of an NV12 frame; None for a packed one.
            pitch: Bytes from row to row; 0: no padding.
            uv: For NV12: byte offset of the chroma plane in the slot, and its pitch; zeros: it
                follows the luma without padding.

        Returns:
            (32,) int32, read-only.

        Raises:
            ShapeError: a frame larger than `max_frame`.
        """
        self._require_room(size)
        source = "nv12" if yuv else color
        pitch = pitch or size[1] * (_LUMA if yuv else _PACKED)
        if yuv and not uv[1]:
            uv = (pitch * size[0], _CHROMA * ((size[1] + 1) // 2))
        return _block(size, place, self.target, (source, pitch, *uv), yuv)

    def enqueue(
        self, stream: Stream, frames: DeviceArray, blocks: DeviceArray, out: DeviceArray
    ) -> None:
        """Launch: no allocation, no synchronisation, no copy.

        Args:
            stream: Where.
            frames: (batch, n) uint8 (or (n,) for one slot).
            blocks: (batch, 32) int32.
            out: The network's input, (batch, C, h, w) or (batch, h, w, 8); all of it is written.
        """
        pitch, (height, width) = frames.nbytes // self._batch, self.size
        source, tail = (frames, pitch, blocks), (height, width, self._room)
        grid, block = (_tiles(width, 1), _tiles(height, 0), self._batch), (_TILE[1], _TILE[0])
        if self._tables is None:
            to = (self._table, out, height, width, self._form)
            self._linear.launch(stream, grid, block, *source, *to)
            return
        threads = (-(-max(self.size) // 64), 2, self._batch)
        self._fill.launch(stream, threads, (64,), blocks, self._tables, *tail)
        given = (self._tables, self._table, out)
        if self._middle is None:
            to = (self._table, out, height, width, self._form)
            self._linear.launch(stream, grid, block, *source, *to)
            self._area.launch(stream, grid, block, *source, *given, *tail, self._form)
            return
        rows = self._max[0]
        over = (grid[0], _tiles(rows, 0), self._batch)
        middle = (self._tables, self._middle, rows)
        self._across.launch(stream, over, block, *source, *middle, *tail)
        down = (self._middle, blocks, *given, rows, *tail, self._form)
        self._down.launch(stream, grid, block, *down)

    def close(self) -> None:
        """Free what was allocated."""
        for array in (self._table, self._tables, self._middle):
            if array is not None:
                array.free()

    def _require_room(self, size: tuple[int, int]) -> None:
        if size[0] > self._max[0] or size[1] > self._max[1]:
            raise ShapeError(
                "the frame is larger than the device runtime was prepared for",
                frame=f"{size[0]} x {size[1]} pixels (height x width)",
                capacity=f"{self._max[0]} x {self._max[1]}",
            )


def _tiles(side: int, axis: int) -> int:
    return -(-side // _TILE[axis])


def _form(table: Array, layout: str, pad: int) -> int:
    """What never changes, in the bits that `form_of` of letterbox.cu reads."""
    return table.itemsize | len(table) << 4 | (layout == "hwc8") << 8 | pad << 16


@lru_cache(maxsize=64)  # a video asks the same for every frame
def _block(
    size: tuple[int, int],
    place: Fit,
    target: Target,
    source: tuple[str, int, int, int],
    yuv: tuple[str, str] | None,
) -> Array:
    """A row of the parameter block, in the order of `Slot` of letterbox.cu."""
    layout, pitch, uv, uv_pitch = source
    kind, whole = _kind(size, place, target.interpolation)
    swapped = (layout == "rgb") != (target.color == "rgb")
    row = np.zeros(BLOCK_WORDS, np.int32)
    row[:14] = (*size, pitch, uv, uv_pitch, *place, _KINDS[kind], *whole, swapped, yuv is not None)
    if yuv:
        row[14:20] = coefficients(*yuv)
    doubles: list[float] = []
    for new, old in zip(place[2:], size, strict=True):
        inverse = new / old  # OpenCV divides twice; Pillow once
        doubles += [old / new if kind == "antialias" else 1.0 / inverse, inverse]
    row[20:28] = np.array(doubles, "<f8").view("<i4")
    row.flags.writeable = False
    return row


def _kind(size: tuple[int, int], place: Fit, interpolation: str) -> tuple[str, tuple[int, int]]:
    """Which arithmetic OpenCV uses, and its whole scales (y, x) or zeros."""
    if interpolation == "antialias":
        return "antialias", (0, 0)
    scales = [1.0 / (new / old) for new, old in zip(place[2:], size, strict=True)]
    nearest = (round(scales[0]), round(scales[1]))
    are_whole = all(abs(s - n) < 2.0**-52 for s, n in zip(scales, nearest, strict=True))
    if are_whole and nearest == (2, 2):
        return "half", (0, 0)
    if interpolation == "linear":
        return "linear", (0, 0)
    if min(scales) < 1.0:
        return "linear_area", (0, 0)
    return ("area_whole", nearest) if are_whole else ("area", (0, 0))
