"""CUDA twin of suppression: non-maximum suppression, then the kept boxes in one place."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.ops.nms.cuda import SOURCE as NMS
from edgecv.ops.nms.cuda import NmsPlan
from edgecv.ops.suppression import Suppression

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream
    from edgecv.ops._chosen import ChosenBoxes

SOURCE = Path(__file__).with_name("suppression.cu")
SOURCES = (SOURCE, NMS)
_THREADS = 128


class SuppressionPlan:
    """Thins what a box decoder chose; `edgecv.ops.suppression` on the device.

    Attributes:
        boxes: (B, limit, 4) float32 xyxy in pixels of the network's input; 0 beyond the count.
        scores: (B, limit) float32, falling; 0 beyond the count.
        ids: (B, limit) int32; -1 beyond the count.
        found: (B, 2) int32: how many are real, and how many candidates no capacity held.
    """

    def __init__(self, session: Session, chosen: ChosenBoxes, rule: Suppression) -> None:
        """Allocate for what `chosen` leaves; call inside `session.current()`."""
        batch, self._limit = chosen.batch, min(rule.limit, chosen.k)
        self._chosen = chosen
        self.boxes = session.zeros((batch, self._limit, 4), "float32")
        self.scores = session.zeros((batch, self._limit), "float32")
        self.ids = session.zeros((batch, self._limit), "int32")
        self.found = session.zeros((batch, 2), "int32")
        self._arrays = [self.boxes, self.scores, self.ids, self.found]
        self._classes = None if rule.class_agnostic else chosen.ids
        self._nms = NmsPlan(session, batch=batch, n=chosen.k, limit=self._limit, iou=rule.iou)
        self._gather = session.kernels(SOURCE).function("suppression_gather", "PPPPPPPiiPPPP")
        self._grid = (ceil(self._limit / _THREADS), batch)

    def enqueue(self, stream: Stream) -> None:
        """Launch; reads the outputs of `chosen`."""
        chosen, nms = self._chosen, self._nms
        nms.enqueue(stream, chosen.boxes, self._classes, chosen.count)
        self._gather.launch(
            stream,
            self._grid,
            (_THREADS,),
            chosen.boxes,
            chosen.scores,
            chosen.ids,
            chosen.count,
            chosen.total,
            nms.keep,
            nms.kept,
            chosen.k,
            self._limit,
            *self._outputs(),
        )

    def _outputs(self) -> tuple[DeviceArray, ...]:
        return self.boxes, self.scores, self.ids, self.found

    def close(self) -> None:
        """Free what was allocated."""
        self._nms.close()
        for array in self._arrays:
            array.free()
        self._arrays.clear()
