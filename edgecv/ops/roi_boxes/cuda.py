"""CUDA plan of roi_boxes; see `edgecv.ops.roi_boxes` for what it computes."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.errors import ShapeError
from edgecv.ops._chosen import ChosenBoxes
from edgecv.ops._op import SUFFIX
from edgecv.ops.roi_boxes import BoxRule
from edgecv.ops.topk.cuda import SOURCE as TOPK
from edgecv.ops.topk.cuda import TopKPlan

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("roi_boxes.cu")
SOURCES = (SOURCE, TOPK)
_THREADS = 256


class RoiBoxesPlan(ChosenBoxes):
    """Candidates of each picture of a batch before suppression; outputs: see `ChosenBoxes`.

    Candidates are chosen by score first and decoded then, at most `rule.limit` of them; what is
    too small leaves no gap.
    """

    def __init__(
        self, session: Session, raw: tuple[DeviceArray, DeviceArray], batch: int, rule: BoxRule
    ) -> None:
        """Allocate; call inside `session.current()`.

        Args:
            session: The device.
            raw: Logits (B K, C + 1) and deltas (B K, 4 (C + 1)), (B K, 4 C) or (B K, 4), float32
                or float16: what every `enqueue` reads.
            batch: B, pictures.
            rule: Weights, score and limits.

        Raises:
            ShapeError: other shapes.
        """
        logits, deltas = self._raw = raw
        rows, classes = logits.shape[0] // batch, logits.shape[1] - 1
        columns = deltas.shape[1]
        if columns not in (4, 4 * classes, 4 * classes + 4) or deltas.shape[0] != logits.shape[0]:
            raise ShapeError(
                "roi_boxes needs (K, C + 1) logits and (K, 4 (C + 1)) deltas",
                got=f"{logits.shape} and {deltas.shape}",
            )
        super().__init__(session, batch, min(rule.limit, rows * classes), classes)
        self._values = self._zeros((batch, rows * classes), "float32")
        self._decoded = self._zeros((batch, self.k, 4), "float32")
        self._merged = self._zeros((batch, self.k), "float32")
        n = rows * classes
        self._best = TopKPlan(session, batch=batch, n=n, k=self.k, threshold=rule.score)
        kernels = session.kernels(SOURCE)
        self._softmax = kernels.function("roi_boxes_softmax" + SUFFIX[str(logits.dtype)], "PPPiii")
        self._decode = kernels.function(
            "roi_boxes_decode" + SUFFIX[str(deltas.dtype)], "P" * 8 + "iiiii" + "f" * 5
        )
        self._gather = kernels.function("roi_boxes_gather", "P" * 11 + "ii")
        self._rows = (rows, classes, classes if rule.background_last else 0)
        first = 0 if rule.background_last or columns != 4 * classes + 4 else 1
        self._numbers = (self.k, rows, classes, columns, first, *rule.weights, rule.smallest)
        self._choose(TopKPlan(session, batch=batch, n=self.k, k=self.k, threshold=-float("inf")))
        self.total = self._zeros((batch,), "int32")

    def enqueue(
        self,
        stream: Stream,
        boxes: DeviceArray | None = None,
        count: DeviceArray | None = None,
        areas: DeviceArray | None = None,
    ) -> None:
        """Launch; reads logits and deltas.

        Args:
            stream: Where.
            boxes: (B, K, 4) float32 xyxy: the proposals.
            count: (B,) int32: how many of them are real.
            areas: (B, 4) float32 xyxy: each picture in the input.
        """
        if boxes is None or count is None or areas is None:
            raise TypeError("RoiBoxesPlan.enqueue needs proposals, their count and the areas")
        (logits, deltas), best, again = self._raw, self._best, self._chosen
        grid = (ceil(self._rows[0] * 32 / _THREADS), self.batch)
        self._softmax.launch(stream, grid, (_THREADS,), logits, count, self._values, *self._rows)
        best.enqueue(stream, self._values)
        grid = (ceil(self.k / _THREADS), self.batch)
        found = (best.index, best.value, best.kept, self._decoded, self._merged)
        self._decode.launch(stream, grid, (_THREADS,), deltas, boxes, areas, *found, *self._numbers)
        again.enqueue(stream, self._merged)
        from_here = (self._decoded, self._merged, best.index, again.index, again.kept)
        tail = (best.kept, best.total, *self.outputs, self.total, self.k, self._rows[1])
        self._gather.launch(stream, grid, (_THREADS,), *from_here, *tail)

    def close(self) -> None:
        """Free what was allocated."""
        self._best.close()
        super().close()
