"""CUDA twin of center_boxes: peaks are chosen on the device, then their boxes gathered."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.errors import ShapeError
from edgecv.ops._chosen import ChosenBoxes
from edgecv.ops._op import SUFFIX
from edgecv.ops._probability import limit_of
from edgecv.ops.center_boxes import CenterLayout, CenterMaps
from edgecv.ops.peaks.cuda import SOURCES as PEAKS
from edgecv.ops.peaks.cuda import PeaksPlan

if TYPE_CHECKING:
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("center_boxes.cu")
SOURCES = (SOURCE, *PEAKS)
_THREADS = 128


class CenterBoxesPlan(ChosenBoxes):
    """The k best boxes of each image of a batch; `edgecv.ops.center_boxes` on the device.

    Outputs: see `ChosenBoxes`.
    """

    def __init__(
        self, session: Session, maps: CenterMaps, layout: CenterLayout, score: float, k: int
    ) -> None:
        """Allocate; call inside `session.current()`.

        Args:
            session: The device.
            maps: Device arrays with the batch as first dimension, which every `enqueue` reads;
                float32 or float16, each its own.
            layout: How to read them.
            score: Probability in 0..1 that a peak must reach.
            k: Capacity.

        Raises:
            ShapeError: size and offset differ in type, which one kernel reads together.
        """
        batch, classes, height, width = maps.heatmap.shape
        kind = str(maps.size.dtype)
        if str(maps.offset.dtype) != kind:
            raise ShapeError(
                "size and offset must have one type", size=kind, offset=str(maps.offset.dtype)
            )
        cells = height * width
        super().__init__(session, batch, min(k, classes * cells), classes)
        self._maps = maps
        limit = float(limit_of(score, layout.logits))
        shape = (classes, height, width)
        self._peaks = PeaksPlan(session, batch=batch, shape=shape, k=self.k, threshold=limit)
        self._choose(self._peaks)
        self._gather = session.kernels(SOURCE).function(
            "center_boxes" + SUFFIX[kind], "PPPPiiiffiPPP"
        )
        scales = (float(layout.stride), float(layout.size_scale), int(layout.logits))
        self._layout = (self.k, width, cells, *scales)

    def enqueue(self, stream: Stream) -> None:
        """Launch; reads the maps."""
        heatmap, size, offset = self._maps
        self._peaks.enqueue(stream, heatmap)
        found = (self._peaks.index, self._peaks.value)
        grid = (ceil(self.k / _THREADS), self.batch)
        self._gather.launch(
            stream, grid, (_THREADS,), size, offset, *found, *self._layout, *self.outputs
        )
