"""What the CUDA twin of every box decoder leaves on the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream
    from edgecv.ops.peaks.cuda import PeaksPlan
    from edgecv.ops.topk.cuda import TopKPlan


class ChosenBoxes:
    """The k best boxes of each picture of a batch: outputs of fixed capacity.

    Attributes:
        batch: Pictures.
        k: Capacity.
        classes: Ids are 0..classes - 1; only soft suppression by class asks.
        boxes: (B, k, 4) float32 xyxy in pixels of the network's input; 0 beyond `count`.
        scores: (B, k) float32 probabilities, falling; 0 beyond `count`.
        ids: (B, k) int32 class ids; -1 beyond `count`.
        count: (B,) int32, how many of the k are real.
        total: (B,) int32, how many reached the score.
    """

    count: DeviceArray
    total: DeviceArray

    def __init__(self, session: Session, batch: int, k: int, classes: int = 1) -> None:
        """Allocate the outputs; a twin names its selection by `_choose`."""
        self._session = session
        self._arrays: list[DeviceArray] = []
        self.batch, self.k, self.classes = batch, k, classes
        self.boxes = self._zeros((batch, k, 4), "float32")
        self.scores = self._zeros((batch, k), "float32")
        self.ids = self._zeros((batch, k), "int32")

    @property
    def index(self) -> DeviceArray:
        """(B, k) int32: which of the scores ranked last each box is of; valid below `count`."""
        return self._chosen.index

    @property
    def outputs(self) -> tuple[DeviceArray, DeviceArray, DeviceArray]:
        """`boxes`, `scores`, `ids`: what the last kernel of a twin writes."""
        return self.boxes, self.scores, self.ids

    def _zeros(self, shape: tuple[int, ...], dtype: str) -> DeviceArray:
        return self._keep(self._session.zeros(shape, dtype))

    def _keep(self, array: DeviceArray) -> DeviceArray:
        """Freed by `close`."""
        self._arrays.append(array)
        return array

    def _choose(self, plan: TopKPlan | PeaksPlan) -> None:
        """`plan` says which candidates there are, best first."""
        self._chosen = plan
        self.count, self.total = plan.kept, plan.total

    def enqueue(self, stream: Stream) -> None:
        """Launch; reads the tensors the twin was made with."""
        raise NotImplementedError

    def close(self) -> None:
        """Free what was allocated."""
        self._chosen.close()
        for array in self._arrays:
            array.free()
        self._arrays.clear()
