"""CUDA twin of yolo_v1."""

from __future__ import annotations

from math import ceil, prod
from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.ops._chosen import ChosenBoxes
from edgecv.ops._op import SUFFIX
from edgecv.ops.topk.cuda import SOURCE as TOPK
from edgecv.ops.topk.cuda import TopKPlan
from edgecv.ops.yolo_v1 import YoloGrid

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("yolo_v1.cu")
SOURCES = (SOURCE, TOPK)
_THREADS = 64


class YoloV1Plan(ChosenBoxes):
    """The k best boxes of each grid of a batch; `edgecv.ops.yolo_v1` on the device.

    Outputs: see `ChosenBoxes`.
    """

    def __init__(
        self, session: Session, values: DeviceArray, grid: YoloGrid, score: float, k: int
    ) -> None:
        """Allocate; call inside `session.current()`.

        Args:
            session: The device.
            values: (B, …) float32 or float16 grids: what every `enqueue` reads.
            grid: What they are.
            score: Probability in 0..1 that a box must reach.
            k: Capacity.
        """
        batch, classes = values.shape[0], grid.classes(prod(values.shape[1:]))
        points = grid.side**2 * grid.boxes
        n = points * classes if grid.multi_label else points
        super().__init__(session, batch, min(k, n), classes)
        flags = grid.square + 2 * grid.darknet + 4 * grid.multi_label
        self._grid = (values, grid.side, grid.boxes, classes, flags)
        self._size = (float(grid.size[1]), float(grid.size[0]))
        self._values = self._zeros((batch, n), "float32")
        self._best = self._zeros((batch, points), "int32")
        kernels, suffix = session.kernels(SOURCE), SUFFIX[str(values.dtype)]
        self._scores = kernels.function("yolo_v1_scores" + suffix, "PiiiiPP")
        self._boxes = kernels.function("yolo_v1_boxes" + suffix, "PiiiiPPPffiPPP")
        self._points = (ceil(points / _THREADS), batch)
        self._choose(TopKPlan(session, batch=batch, n=n, k=self.k, threshold=score))

    def enqueue(self, stream: Stream) -> None:
        """Launch; reads `values`."""
        chosen, out = self._chosen, (self._values, self._best)
        self._scores.launch(stream, self._points, (_THREADS,), *self._grid, *out)
        chosen.enqueue(stream, self._values)
        found = (self._best, chosen.index, chosen.value, *self._size, self.k, *self.outputs)
        grid = (ceil(self.k / _THREADS), self.batch)
        self._boxes.launch(stream, grid, (_THREADS,), *self._grid, *found)
