"""CUDA twin of nms: a bitmask of overlaps, or for many candidates a list of kept boxes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.errors import ShapeError
from edgecv.ops.nms import MAX_CANDIDATES

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("nms.cu")

_WORD = 64  # candidates in a word of the mask
_MASKED = 4096  # more are suppressed by a list: their mask would be large (30,000: 112 MB)
_REDUCERS, _TILE = 512, 1024


class NmsPlan:
    """Greedy suppression of sorted boxes: `edgecv.ops.nms` on the device.

    Attributes:
        keep: (B, limit) int32, indices of the kept boxes, rising; -1 beyond `kept`.
        kept: (B,) int32, how many were kept.
    """

    def __init__(self, session: Session, *, batch: int, n: int, limit: int, iou: float) -> None:
        """Allocate for `batch` images of up to `n` candidates; inside `session.current()`.

        Args:
            session: The device.
            batch: Images.
            n: Candidates of an image, at most `MAX_CANDIDATES`.
            limit: At most this many are kept.
            iou: Overlap in 0..1 up to which both boxes stay.

        Raises:
            ShapeError: a size below 1, or too many candidates.
        """
        if min(batch, n, limit) < 1 or n > MAX_CANDIDATES:
            raise ShapeError(
                f"an nms plan needs batch and limit >= 1 and n in 1..{MAX_CANDIDATES}",
                batch=batch,
                n=n,
                limit=limit,
            )
        self._batch, self._n, self._limit, self._iou = batch, n, limit, iou
        self._words = math.ceil(n / _WORD)
        self.keep = session.empty((batch, limit), "int32")
        self.kept = session.zeros((batch,), "int32")
        self._arrays = [self.keep, self.kept]
        kernels = session.kernels(SOURCE)
        if n <= _MASKED:
            self._bits = session.empty((batch, n, self._words), "uint64")
            self._arrays.append(self._bits)
            self._mask = kernels.function("nms_mask", "PPPifP")
            self._reduce = kernels.function("nms_reduce", "PPiiPP")
        else:
            self._list = kernels.function("nms_list", "PPPiifPP")

    def enqueue(
        self, stream: Stream, boxes: DeviceArray, ids: DeviceArray | None, count: DeviceArray
    ) -> None:
        """Launch.

        Args:
            stream: Where.
            boxes: (B, n, 4) float32 xyxy, best first; a row's start is a multiple of 16 bytes.
            ids: (B, n) int32 class ids; None: boxes of all classes suppress each other.
            count: (B,) int32, how many candidates of each image are real.
        """
        classes: DeviceArray | int = 0 if ids is None else ids
        n, out = self._n, (self.keep, self.kept)
        if n <= _MASKED:
            grid = (self._words, self._words, self._batch)
            given = (boxes, classes, count, n, self._iou, self._bits)
            self._mask.launch(stream, grid, (_WORD,), *given)
            found = (count, self._bits, n, self._limit, *out)
            self._reduce.launch(stream, (self._batch,), (_REDUCERS,), *found)
        else:
            tail = (count, n, self._limit, self._iou, *out)
            self._list.launch(stream, (self._batch,), (_TILE,), boxes, classes, *tail)

    def close(self) -> None:
        """Free the outputs and the workspace."""
        for array in self._arrays:
            array.free()
        self._arrays.clear()
