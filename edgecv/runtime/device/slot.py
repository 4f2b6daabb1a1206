"""A slot: one batch of frames in flight, with every buffer that belongs to it alone.

The host side is pinned. On a GPU with its own memory the frame is copied there; on one that shares
the system's memory the kernels may read the pinned frame in place, if that measured faster
(`edgecv.runtime.device.placing`). The parameter block (sizes and places of the frames) lies beside
and is never rewritten before the slot's last run is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.cuda.memory import DeviceArray
from edgecv.cuda.session import Session
from edgecv.cuda.stream import Stream
from edgecv.ops.letterbox.cuda import BLOCK_WORDS
from edgecv.runtime.device.program import Program
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]
ROOM = 1080 * 1920 * 3  # bytes; a slot has room for such a frame from the start


class Slot:
    """Buffers, results and programs of one batch in flight. Used inside `session.current()`.

    Attributes:
        frames: (batch, room) uint8 on the device, each frame at the start of its row.
        blocks: (batch, 32) int32 on the device: where and how large the frames are.
        results: Name -> pinned copy of what the decoder leaves.
        geometries: How the frames in flight lie in the network's input.
        program: What runs for a frame; None before it was captured.
        timed: The same in three segments.
        plan: Number of the letterbox plan the programs were captured with.
        uploaded: Recorded after the last frames were copied.
        done: Recorded after the last results were copied back.
    """

    def __init__(
        self,
        session: Session,
        results: Mapping[str, DeviceArray],
        *,
        batch: int,
        in_place: bool,
        room: int = ROOM,
    ) -> None:
        """Allocate.

        Args:
            session: Where.
            results: What the decoder leaves on the device.
            batch: Frames at once.
            in_place: Whether the device reads frames from the pinned memory.
            room: Bytes of the largest frame to begin with.
        """
        self._session, self._batch, self._in_place = session, batch, in_place
        self._host_blocks, self.blocks = self._pair((batch, BLOCK_WORDS), "int32")
        self._host_blocks[:] = 0
        self._host_frames, self.frames = self._pair((batch, room), "uint8")
        self.results: dict[str, Array] = {
            name: session.pinned(array.shape, array.dtype) for name, array in results.items()
        }
        self.geometries: list[Geometry] = []
        self.program: Program | None = None
        self.timed: Program | None = None
        self.plan = -1
        self.uploaded, self.done = session.event(), session.event()
        self._copies: list[tuple[DeviceArray, Array | DeviceArray]] = []

    @property
    def room(self) -> int:
        """Bytes a frame may have without new buffers."""
        return self.frames.shape[1]

    def make_room(self, nbytes: int) -> None:
        """Larger buffers if a frame needs them; the programs are then void."""
        if nbytes <= self.room:
            return
        self.forget_programs()
        self.frames.free()
        self._session.unpin(self._host_frames)
        self._host_frames, self.frames = self._pair((self._batch, nbytes), "uint8")

    def row(self, index: int) -> Array:
        """The pinned memory of frame `index`, (room,) uint8."""
        row: Array = self._host_frames[index]
        return row

    def begin(self) -> None:
        """Forget the last frames; its run is done."""
        self._copies.clear()
        self.geometries = []

    def add_host(self, nbytes: int, block: Array, geometry: Geometry) -> None:
        """The next frame lies in the first `nbytes` of its `row`."""
        index = self._place(block, geometry)
        if not self._in_place:
            view = self.frames.view((nbytes,), "uint8", offset=index * self.room)
            self._copies.append((view, self._host_frames[index, :nbytes]))

    def add_device(self, frame: DeviceArray, block: Array, geometry: Geometry) -> None:
        """The next frame is on the device already; it is copied there before the kernels run."""
        index = self._place(block, geometry)
        view = self.frames.view((frame.nbytes,), "uint8", offset=index * self.room)
        self._copies.append((view, frame.view((frame.nbytes,), "uint8")))

    def upload(self, stream: Stream) -> None:
        """Copy frames and parameters, in the order of `stream`."""
        self._host_blocks[len(self.geometries) :] = 0  # a row of zeros: no frame
        for device, source in self._copies:
            if isinstance(source, DeviceArray):
                device.copy_from(source, stream)
            else:
                device.upload(source, stream)
        if not self._in_place:
            self.blocks.upload(self._host_blocks, stream)

    def forget_programs(self) -> None:
        """Destroy the captured graphs: an address they hold has changed."""
        for program in (self.program, self.timed):
            if program is not None:
                program.close()
        self.program = self.timed = None

    def close(self) -> None:
        """Free everything; nothing is in flight."""
        self.forget_programs()
        self._copies.clear()
        self.frames.free()
        self.blocks.free()
        for host in (self._host_frames, self._host_blocks, *self.results.values()):
            self._session.unpin(host)
        self._host_frames = self._host_blocks = np.empty((0, 0))  # pinned memory goes now
        self.results.clear()

    def _place(self, block: Array, geometry: Geometry) -> int:
        index = len(self.geometries)
        self._host_blocks[index] = block
        self.geometries.append(geometry)
        return index

    def _pair(self, shape: tuple[int, ...], dtype: str) -> tuple[Array, DeviceArray]:
        """The same array on both sides: mapped, or pinned and on the device."""
        if self._in_place:
            mapped = self._session.mapped(shape, dtype)
            return mapped.host, mapped.device
        host: Array = self._session.pinned(shape, np.dtype(dtype))
        return host, self._session.empty(shape, dtype)
