"""CUDA twin of dense_boxes: rank on the device, then decode only what was chosen."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.ops._chosen import ChosenBoxes
from edgecv.ops._op import SUFFIX
from edgecv.ops._probability import limit_of
from edgecv.ops.dense_boxes import DenseLayout
from edgecv.ops.topk.cuda import SOURCE as TOPK
from edgecv.ops.topk.cuda import TopKPlan

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("dense_boxes.cu")
SOURCES = (SOURCE, TOPK)
_THREADS = 64  # small blocks: 8400 points keep the SMs of a Jetson alike busy


class DenseBoxesPlan(ChosenBoxes):
    """The k best boxes of each table of a batch; `edgecv.ops.dense_boxes` on the device.

    Class scores that lie together are ranked where they lie. Other layouts are read once and what
    is ranked is written: objectness times class, or (single-label) the best score of each point.
    Outputs: see `ChosenBoxes`.
    """

    def __init__(
        self, session: Session, predictions: DeviceArray, layout: DenseLayout, score: float, k: int
    ) -> None:
        """Allocate; call inside `session.current()`.

        Args:
            session: The device.
            predictions: (B, 4 + C, A) or as `layout` says, float32 or float16: what every
                `enqueue` reads.
            layout: What its values are.
            score: Probability in 0..1 that a box must reach.
            k: Capacity.
        """
        batch, *sides = predictions.shape
        values, points = sides[::-1] if layout.channels_last else sides
        classes = values - layout.first
        n = points * classes if layout.multi_label else points
        super().__init__(session, batch, min(k, n), classes)
        self._table = (predictions, points, classes, _flags(layout))
        self._limit = float(limit_of(score, layout.logits))
        together = layout.multi_label and not (layout.channels_last or layout.objectness)
        self._values = predictions if together else self._zeros((batch, n), "float32")
        self._best = self._zeros((batch, 1 if layout.multi_label else points), "int32")
        kernels, suffix = session.kernels(SOURCE), SUFFIX[str(predictions.dtype)]
        self._multi, self._together = layout.multi_label, together
        self._scores = kernels.function("dense_boxes_scores" + suffix, "PiiifP")
        self._best_of_point = kernels.function("dense_boxes_best" + suffix, "PiiifPP")
        self._boxes = kernels.function("dense_boxes" + suffix, "PiiiPPPiPPP")
        ranked = score if layout.objectness else self._limit
        within = (4 * points, values * points) if together else None
        self._choose(TopKPlan(session, batch=batch, n=n, k=self.k, threshold=ranked, within=within))
        self._grids = (ceil(n / _THREADS), batch), (ceil(self.k / _THREADS), batch)

    def enqueue(self, stream: Stream) -> None:
        """Launch; reads `predictions`."""
        scores, chosen = (*self._table, self._limit, self._values), self._chosen
        if self._together:
            pass
        elif self._multi:
            self._scores.launch(stream, self._grids[0], (_THREADS,), *scores)
        else:
            self._best_of_point.launch(stream, self._grids[0], (_THREADS,), *scores, self._best)
        chosen.enqueue(stream, self._values)
        found = (self._best, chosen.index, chosen.value, self.k, *self.outputs)
        self._boxes.launch(stream, self._grids[1], (_THREADS,), *self._table, *found)


def _flags(layout: DenseLayout) -> int:
    """The layout as the kernels read it; the bits are named in dense_boxes.cu."""
    bits = (
        layout.channels_last,
        layout.xyxy,
        layout.logits,
        layout.objectness,
        layout.multi_label,
    )
    return sum(1 << i for i, bit in enumerate(bits) if bit)
