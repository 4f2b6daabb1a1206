"""CUDA twin of yolo_v3: one launch a scale writes what is ranked, one decodes what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edgecv.ops._chosen import ChosenBoxes
from edgecv.ops._op import SUFFIX
from edgecv.ops._probability import limit_of
from edgecv.ops.topk.cuda import SOURCE as TOPK
from edgecv.ops.topk.cuda import TopKPlan
from edgecv.ops.yolo_v3 import YoloLayout, YoloScale, grid_of

if TYPE_CHECKING:
    from edgecv.cuda.kernels import Kernel
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("yolo_v3.cu")
SOURCES = (SOURCE, TOPK)
_THREADS = 128


class _Launches(NamedTuple):
    """What one scale's kernels are given."""

    scores: Kernel
    boxes: Kernel
    points: int
    table: tuple[DeviceArray | int, ...]  # the map, its sizes and flags, where its points begin
    decoding: tuple[DeviceArray | int | float, ...]  # anchors, width, stride, scale_xy


class YoloV3Plan(ChosenBoxes):
    """The k best boxes of each picture of a batch; `edgecv.ops.yolo_v3` on the device.

    Outputs: see `ChosenBoxes`.
    """

    def __init__(
        self,
        session: Session,
        maps: Sequence[DeviceArray],
        scales: Sequence[YoloScale],
        layout: YoloLayout,
        score: float,
        k: int,
    ) -> None:
        """Allocate; call inside `session.current()`.

        Args:
            session: The device.
            maps: One (B, …) map a scale, float32 or float16: what every `enqueue` reads.
            scales: Their strides and anchors.
            layout: What the values are.
            score: Probability in 0..1 that a box must reach.
            k: Capacity, of all scales together.
        """
        batch = maps[0].shape[0]
        grids = [grid_of(m.shape[1:], s, layout) for m, s in zip(maps, scales, strict=True)]
        points = [h * w * len(s.anchors) for (_, h, w), s in zip(grids, scales, strict=True)]
        classes, every = grids[0][0], sum(points)
        n = every * (classes if layout.multi_label else 1)
        super().__init__(session, batch, min(k, n), classes)
        self._limit = float(limit_of(score, True))
        self._values = self._zeros((batch, n), "float32")
        self._best = self._zeros((batch, 1 if layout.multi_label else every), "int32")
        flags = sum(1 << i for i, bit in enumerate(layout) if bit)
        starts = np.cumsum([0, *points]).tolist()
        self._scales = []
        for values, scale, (_, height, width), start, count in zip(
            maps, scales, grids, starts, points, strict=False
        ):
            kernels, suffix = session.kernels(SOURCE), SUFFIX[str(values.dtype)]
            sizes = self._keep(session.upload(np.array(scale.anchors, np.float32)))
            self._scales.append(
                _Launches(
                    kernels.function("yolo_v3_scores" + suffix, "PiiiiiifPP"),
                    kernels.function("yolo_v3_boxes" + suffix, "PiiiiiiPPPPiffiPPP"),
                    count,
                    (values, len(scale.anchors), classes, height * width, flags, start, every),
                    (sizes, width, float(scale.stride), float(scale.scale_xy)),
                )
            )
        self._choose(TopKPlan(session, batch=batch, n=n, k=self.k, threshold=score))

    def enqueue(self, stream: Stream) -> None:
        """Launch; reads the maps."""
        for scale in self._scales:
            grid = (ceil(scale.points / _THREADS), self.batch)
            out = (self._limit, self._values, self._best)
            scale.scores.launch(stream, grid, (_THREADS,), *scale.table, *out)
        chosen = self._chosen
        chosen.enqueue(stream, self._values)
        grid = (ceil(self.k / _THREADS), self.batch)
        for scale in self._scales:
            found = (self._best, chosen.index, chosen.value, *scale.decoding, self.k)
            scale.boxes.launch(stream, grid, (_THREADS,), *scale.table, *found, *self.outputs)
