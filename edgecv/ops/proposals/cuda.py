"""CUDA plan of proposals; see `edgecv.ops.proposals` for what it computes."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecv.ops._chosen import ChosenBoxes
from edgecv.ops._op import SUFFIX
from edgecv.ops.proposals import ProposalRule
from edgecv.ops.suppression import Suppression
from edgecv.ops.suppression import cuda as suppression
from edgecv.ops.topk.cuda import SOURCE as TOPK
from edgecv.ops.topk.cuda import TopKPlan

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("proposals.cu")
SOURCES = (SOURCE, TOPK, *suppression.SOURCES)
_THREADS = 256


class ProposalsPlan(ChosenBoxes):
    """Proposals of each picture of a batch, in front of suppression; `thin` is behind it.

    Of each level the best anchors are selected where the logits lie, decoded into one array of all
    levels, and sorted once more. `boxes`, `scores` and `ids` (levels) are those of all levels
    before suppression: see `ChosenBoxes`.

    Attributes:
        areas: (B, 4) float32 xyxy: each picture in the input, once `place` ran.
        thin: After suppression within each level: see `SuppressionPlan`.
    """

    def __init__(
        self,
        session: Session,
        objectness: Sequence[DeviceArray],
        deltas: Sequence[DeviceArray],
        size: tuple[int, int],
        rule: ProposalRule,
    ) -> None:
        """Allocate; call inside `session.current()`.

        Args:
            session: The device.
            objectness: (B, A, h, w) of each level, float32 or float16: what `enqueue` reads.
            deltas: (B, 4 A, h, w) of each level, likewise.
            size: (height, width) of the network's input.
            rule: Anchors and limits.
        """
        shapes = [array.shape for array in objectness]
        widths = [min(rule.before, a * h * w) for _, a, h, w in shapes]
        starts = np.cumsum([0, *widths])
        super().__init__(session, shapes[0][0], int(starts[-1]), len(shapes))
        self._width = self.k
        self._pairs = list(zip(objectness, deltas, strict=True))
        self._unsorted = self._zeros((self.batch, self._width, 4), "float32")
        self._merged = self._zeros((self.batch, self._width), "float32")
        self._starts = self._keep(session.upload(starts[:-1].astype(np.int32)))
        bases = [rule.anchors.of_level(level) for level in range(len(shapes))]
        self._bases = [self._keep(session.upload(base)) for base in bases]
        self._levels = [
            TopKPlan(session, batch=self.batch, n=a * h * w, k=k)
            for (_, a, h, w), k in zip(shapes, widths, strict=True)
        ]
        self._numbers = [
            (k, h * w, w, a, float(size[1] // w), float(size[0] // h), rule.smallest, start)
            for (_, a, h, w), k, start in zip(shapes, widths, starts[:-1].tolist(), strict=True)
        ]
        kernels = session.kernels(SOURCE)
        self._decode = [
            kernels.function("proposals_level" + SUFFIX[str(each.dtype)], "P" * 8 + "iiiifffii")
            for each in deltas
        ]
        self._order = kernels.function("proposals_order", "P" * 8 + "ii")
        self.areas = self._zeros((self.batch, 4), "float32")
        self._areas = kernels.function("proposals_areas", "PPiff")
        self._size = (float(size[0]), float(size[1]))
        self._choose(
            TopKPlan(session, batch=self.batch, n=self.k, k=self.k, threshold=-float("inf"))
        )
        self.thin = suppression.SuppressionPlan(session, self, Suppression(rule.iou, rule.limit))

    def place(self, stream: Stream, blocks: DeviceArray) -> None:
        """Launch: `areas` from letterbox's parameter blocks, (B, 32) int32."""
        grid = (ceil(self.batch / _THREADS),)
        self._areas.launch(stream, grid, (_THREADS,), blocks, self.areas, self.batch, *self._size)

    def enqueue(self, stream: Stream, areas: DeviceArray | None = None) -> None:
        """Launch; reads objectness and deltas.

        Args:
            stream: Where.
            areas: (B, 4) float32 xyxy: each picture in the input; None: what `place` found.
        """
        areas = self.areas if areas is None else areas
        parts = zip(
            self._levels, self._pairs, self._decode, self._bases, self._numbers, strict=True
        )
        for best, (logits, deltas), decode, base, numbers in parts:
            best.enqueue(stream, logits)
            found = (best.index, best.value, best.kept, base, areas, self._unsorted, self._merged)
            grid = (ceil(numbers[0] / _THREADS), self.batch)
            decode.launch(stream, grid, (_THREADS,), deltas, *found, *numbers, self._width)
        self._chosen.enqueue(stream, self._merged)
        order = (self._chosen.index, self._chosen.value, self._chosen.kept, self._starts)
        grid = (ceil(self._width / _THREADS), self.batch)
        tail = (*self.outputs, self._width, len(self._levels))
        self._order.launch(stream, grid, (_THREADS,), self._unsorted, *order, *tail)
        self.thin.enqueue(stream)

    def close(self) -> None:
        """Free what was allocated."""
        self.thin.close()
        for level in self._levels:
            level.close()
        super().close()
