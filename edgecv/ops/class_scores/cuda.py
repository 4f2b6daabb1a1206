"""CUDA twin of class_scores: the best are chosen by their logits, then get probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.ops._op import SUFFIX
from edgecv.ops.class_scores import Activation
from edgecv.ops.topk.cuda import SOURCE as TOPK
from edgecv.ops.topk.cuda import TopKPlan

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("class_scores.cu")
SOURCES = (SOURCE, TOPK)
_THREADS = 256
_ACTIVATIONS = {"none": 0, "sigmoid": 1, "softmax": 2}


class ClassScoresPlan:
    """The k best classes of each row: `edgecv.ops.class_scores` on the device.

    Attributes:
        ids: (B, K) int32, best first, K = min(k, C).
        scores: (B, K) float32 probabilities.
    """

    def __init__(
        self, session: Session, *, batch: int, classes: int, k: int, activation: Activation
    ) -> None:
        """Allocate for `batch` rows of `classes` logits; inside `session.current()`."""
        self._batch, k = batch, min(k, classes)
        self._best = TopKPlan(session, batch=batch, n=classes, k=k)
        self.ids = self._best.index
        self.scores = session.zeros((batch, k), "float32")
        kernels = session.kernels(SOURCE)
        self._steps = {
            kind: kernels.function("class_scores" + suffix, "PiiiPP")
            for kind, suffix in SUFFIX.items()
        }
        self._layout = (classes, k, _ACTIVATIONS[activation])

    def enqueue(self, stream: Stream, logits: DeviceArray) -> None:
        """Launch on (B, C) logits, float32 or float16."""
        self._best.enqueue(stream, logits)
        step = self._steps[str(logits.dtype)]
        step.launch(
            stream, (self._batch,), (_THREADS,), logits, *self._layout, self.ids, self.scores
        )

    def close(self) -> None:
        """Free the outputs and the workspace."""
        self.scores.free()
        self._best.close()
