"""CUDA twin of anchors: rank where the scores lie, then decode only what was chosen."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from edgecv.ops._chosen import ChosenBoxes
from edgecv.ops._op import SUFFIX
from edgecv.ops._probability import limit_of
from edgecv.ops.anchors import AnchorLayout
from edgecv.ops.topk.cuda import SOURCE as TOPK
from edgecv.ops.topk.cuda import TopKPlan

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("anchors.cu")
SOURCES = (SOURCE, TOPK)
_THREADS = 256


class AnchorsPlan(ChosenBoxes):
    """The k best boxes of each picture of a batch; `edgecv.ops.anchors` on the device.

    Sigmoid logits are ranked where they lie; softmax writes probabilities once. With a limit per
    level each level is selected by itself, and the best of all of them once more. Outputs: see
    `ChosenBoxes`.
    """

    def __init__(
        self,
        session: Session,
        raw: tuple[DeviceArray, DeviceArray],
        at: npt.NDArray[Any],
        layout: AnchorLayout,
        score: float,
        k: int,
    ) -> None:
        """Allocate; call inside `session.current()`.

        Args:
            session: The device.
            raw: Scores (B, A, C) and deltas (B, A, 4), each float32 or float16: what every
                `enqueue` reads.
            at: (A, 4) float32 anchors.
            layout: What the values are.
            score: Probability in 0..1 that a box must reach.
            k: Capacity.
        """
        scores, deltas = raw
        batch, anchors, columns = scores.shape
        self._soft = layout.activation == "softmax"
        classes = columns - self._soft
        spans = layout.spans(anchors) if layout.per_level else [(0, anchors)]
        most = layout.per_level or k
        self._widths = [min(most, (end - first) * classes) for first, end in spans]
        super().__init__(session, batch, min(k, sum(self._widths)), classes)
        self._at = self._keep(session.upload(at))
        self._ranked = self._zeros((batch, anchors, classes), "float32") if self._soft else scores
        kernels = session.kernels(SOURCE)
        self._softmax = kernels.function("anchors_softmax" + SUFFIX[str(scores.dtype)], "PiiiP")
        self._merge = kernels.function("anchors_merge", "PPPPiiiiPPP")
        self._boxes = kernels.function(
            "anchors_boxes" + SUFFIX[str(deltas.dtype)], "PPPiPPiii" + "f" * 7 + "iPPP"
        )
        self._scores = (scores, anchors, columns, layout.background, self._ranked)
        flags = (layout.activation == "sigmoid") + 2 * layout.yxhw
        self._from = (deltas, self._at)
        size = layout.clip or (0, 0)
        coder = (*layout.variances, layout.clamp, float(size[0]), float(size[1]))
        self._coder: tuple[float, ...] = (anchors, classes, flags, *coder)
        limit = float(limit_of(score, layout.activation == "sigmoid"))
        self._levels = [
            TopKPlan(
                session,
                batch=batch,
                n=(end - first) * classes,
                k=width,
                threshold=limit,
                within=(first * classes, anchors * classes),
            )
            for (first, end), width in zip(spans, self._widths, strict=True)
        ]
        self._firsts = [first * classes for first, _ in spans]
        self._join(limit)

    def _join(self, limit: float) -> None:
        """One level is the answer; of more, the best of all are selected again."""
        self._width = sum(self._widths)
        self._merged: DeviceArray | None = None
        self._places: DeviceArray | int = 0
        if len(self._levels) == 1:
            self._choose(self._levels[0])
            return
        self._merged = self._zeros((self.batch, self._width), "float32")
        self._places = self._zeros((self.batch, self._width), "int32")
        self._choose(
            TopKPlan(self._session, batch=self.batch, n=self._width, k=self.k, threshold=limit)
        )
        self.total = self._zeros((self.batch,), "int32")

    def enqueue(self, stream: Stream) -> None:
        """Launch; reads scores and deltas."""
        if self._soft:
            grid = (ceil(self._scores[1] * 32 / _THREADS), self.batch)
            self._softmax.launch(stream, grid, (_THREADS,), *self._scores)
        for level in self._levels:
            level.enqueue(stream, self._ranked)
        if self._merged is not None:
            self._merge_levels(stream, self._merged, self._places)
            self._chosen.enqueue(stream, self._merged)
        chosen = self._chosen
        grid = (ceil(self.k / _THREADS), self.batch)
        found = (self._places, self._width, chosen.index, chosen.value)
        self._boxes.launch(
            stream, grid, (_THREADS,), *self._from, *found, *self._coder, self.k, *self.outputs
        )

    def _merge_levels(self, stream: Stream, *out: DeviceArray | int) -> None:
        start = 0
        for level, width, first in zip(self._levels, self._widths, self._firsts, strict=True):
            grid = (ceil(width / _THREADS), self.batch)
            counts = (level.index, level.value, level.kept, level.total)
            place = (width, first, start, self._width)
            self._merge.launch(stream, grid, (_THREADS,), *counts, *place, *out, self.total)
            start += width

    def close(self) -> None:
        """Free what was allocated."""
        if self._merged is not None:
            for level in self._levels:
                level.close()
        super().close()
