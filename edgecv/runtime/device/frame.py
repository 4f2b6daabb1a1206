"""What a user hands in as a picture, and how it gets into a slot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.cuda.driver import finish_default_stream
from edgecv.cuda.session import Session
from edgecv.errors import ShapeError, UnknownName
from edgecv.images import read_image
from edgecv.ops.letterbox import check_image, size_of
from edgecv.ops.letterbox.nv12 import Nv12
from edgecv.runtime.device.lane import Lane
from edgecv.runtime.device.slot import Slot
from edgecv.runtime.preprocess import Preprocessor

Array = npt.NDArray[Any]
Color = Literal["bgr", "rgb"]
COLORS = ("bgr", "rgb")
_LEGACY = 1  # the default stream in `__cuda_array_interface__`


class Frame(NamedTuple):
    """A picture, on the host or already on the device.

    `image`: (H, W, 3) uint8 array, an NV12 frame, or an object of another library with
    `__cuda_array_interface__` of that shape and dtype.
    `color`: Channel order of an array.
    """

    image: Any
    color: Color = "bgr"

    @property
    def on_device(self) -> bool:
        """Whether the pixels are in device memory."""
        return hasattr(self.image, "__cuda_array_interface__")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        if self.on_device:
            height, width = self.image.__cuda_array_interface__["shape"][:2]
            return int(height), int(width)
        return size_of(self.image)

    @property
    def nbytes(self) -> int:
        """Bytes without padding between rows."""
        if isinstance(self.image, Nv12):
            return int(self.image.y.size + self.image.uv.size)
        return self.size[0] * self.size[1] * 3


def frame_of(image: Any, color: str = "bgr") -> Frame:
    """What a user calls a picture: a path, an array, a Pillow image, NV12, or a device array.

    Raises:
        UnknownName: another `color`.
        ShapeError: no picture, or one of another shape or dtype.
        FileError: a file that cannot be read.
    """
    if color not in COLORS:
        raise UnknownName("color order", color, COLORS)
    if isinstance(image, (str, Path)):
        return Frame(read_image(Path(image)))
    if type(image).__module__.partition(".")[0] == "PIL":
        return Frame(np.asarray(image.convert("RGB")), "rgb")
    frame = Frame(image, "rgb" if color == "rgb" else "bgr")
    if frame.on_device:
        _check_device(image.__cuda_array_interface__)
    else:
        check_image(image, color)
    return frame


def stage(
    session: Session, preprocess: Preprocessor, lane: Lane, slot: Slot, frames: Sequence[Frame]
) -> None:
    """Fill a free slot: pixels into pinned memory, sizes and places into its parameter block.

    A device frame is copied on the device. Our streams wait for no other, so the host waits for
    what makes the frame: for the device if its library names a stream of its own (pycuda cannot
    wait for one), else for the default stream, where torch works unless told otherwise.
    """
    lane.make_room([frame.size for frame in frames])
    slot.make_room(max(frame.nbytes for frame in frames))
    slot.begin()
    for index, frame in enumerate(frames):
        geometry = preprocess.geometry(frame.size)
        if frame.on_device:
            if frame.image.__cuda_array_interface__.get("stream") in (None, _LEGACY):
                finish_default_stream()
            else:
                session.synchronize()
            block = lane.letterbox.parameters(frame.size, geometry.fit, color=frame.color)
            slot.add_device(session.adopt(frame.image), block, geometry)
            continue
        image = preprocess.said(frame.image)
        row = slot.row(index)
        block = lane.letterbox.stage(image, geometry.fit, row, color=frame.color)
        slot.add_host(frame.nbytes, block, geometry)


def _check_device(facts: dict[str, Any]) -> None:
    shape, kind = tuple(facts["shape"]), facts["typestr"]
    if len(shape) != 3 or shape[2] != 3 or np.dtype(kind) != np.uint8 or 0 in shape:
        raise ShapeError("a picture on the device must be (H, W, 3) uint8", got=f"{shape} {kind}")
