"""CUDA twin of suppression: non-maximum suppression, then the kept boxes in one place."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.ops.nms.cuda import SOURCE as NMS
from edgecv.ops.nms.cuda import NmsPlan
from edgecv.ops.soft_nms.cuda import SOURCES as SOFT
from edgecv.ops.soft_nms.cuda import SoftNmsPlan
from edgecv.ops.suppression import Suppression

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream
    from edgecv.ops._chosen import ChosenBoxes

SOURCE = Path(__file__).with_name("suppression.cu")
SOURCES = (SOURCE, NMS, *SOFT)
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
        self._left: tuple[DeviceArray, DeviceArray, DeviceArray | int, DeviceArray | int]
        self._suppress(session, rule)
        self._gather = session.kernels(SOURCE).function("suppression_gather", "PPPPPPPPPiiPPPP")
        self._grid = (ceil(self._limit / _THREADS), batch)

    def _suppress(self, session: Session, rule: Suppression) -> None:
        """Plan hard or soft suppression: what it leaves, and what soft suppression adds."""
        chosen, limit = self._chosen, self._limit
        decay = rule.decay(limit)
        self._soft: SoftNmsPlan | None = None
        self._hard: NmsPlan | None = None
        if decay:
            kinds = 1 if self._classes is None else chosen.classes
            self._soft = soft = SoftNmsPlan(
                session, batch=chosen.batch, n=chosen.k, classes=kinds, decay=decay
            )
            self._left = (soft.index, soft.kept, soft.scores, soft.overflow)
        else:
            self._hard = hard = NmsPlan(
                session, batch=chosen.batch, n=chosen.k, limit=limit, iou=rule.iou
            )
            self._left = (hard.keep, hard.kept, 0, 0)

    @property
    def keep(self) -> DeviceArray:
        """(B, limit) int32: which candidates were kept; valid below `kept`."""
        return self._left[0]

    @property
    def kept(self) -> DeviceArray:
        """(B,) int32: how many were kept."""
        return self._left[1]

    def enqueue(self, stream: Stream) -> None:
        """Launch; reads the outputs of `chosen`."""
        chosen = self._chosen
        if self._soft:
            given = (chosen.boxes, chosen.scores, self._classes, chosen.count)
            self._soft.enqueue(stream, *given)
        if self._hard:
            self._hard.enqueue(stream, chosen.boxes, self._classes, chosen.count)
        found = (*chosen.outputs, chosen.count, chosen.total, *self._left)
        self._gather.launch(
            stream, self._grid, (_THREADS,), *found, chosen.k, self._limit, *self._outputs()
        )

    def _outputs(self) -> tuple[DeviceArray, ...]:
        return self.boxes, self.scores, self.ids, self.found

    def close(self) -> None:
        """Free what was allocated."""
        for plan in (self._soft, self._hard):
            if plan:
                plan.close()
        for array in self._arrays:
            array.free()
        self._arrays.clear()
