"""Classification on the device. See `edgecv.runtime.heads.classify`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecv.head import ClassifyHead
from edgecv.ops.class_scores.cuda import SOURCES as SCORES
from edgecv.ops.class_scores.cuda import ClassScoresPlan
from edgecv.results import Classes, Results
from edgecv.runtime.heads import tensor_of
from edgecv.runtime.preprocess import Geometry

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

Array = npt.NDArray[Any]

SOURCES: tuple[Path, ...] = SCORES


class Decoder:
    """See `edgecv.runtime.cuda_heads`.

    Attributes:
        results: `ids` (B, K) int32 and `scores` (B, K) float32, best first.
    """

    def __init__(
        self,
        session: Session,
        head: ClassifyHead,
        outputs: Mapping[str, DeviceArray],
        *,
        batch: int,
    ) -> None:
        """Allocate for the head's logits, (B, C) or (B, C, 1, 1)."""
        name = head.tensor("logits")
        if name in outputs and len(outputs[name].shape) == 4:
            logits = outputs[name]
            outputs = {name: logits.view(logits.shape[:2], logits.dtype)}
        self._head = head
        self._logits = tensor_of(head, outputs, "logits", (None,))
        classes = self._logits.shape[1]
        self._plan = ClassScoresPlan(
            session, batch=batch, classes=classes, k=head.topk, activation=head.activation
        )
        self.results = {"ids": self._plan.ids, "scores": self._plan.scores}

    def enqueue(self, stream: Stream) -> None:
        """Launch; reads the logits."""
        self._plan.enqueue(stream, self._logits)

    def collect(self, host: Mapping[str, Array], geometries: Sequence[Geometry]) -> list[Results]:
        """Classes of the first `len(geometries)` images."""
        return [
            Classes(ids.astype(np.int64), scores.copy(), self._head.names, geometry.image_size)
            for ids, scores, geometry in zip(host["ids"], host["scores"], geometries, strict=False)
        ]

    def close(self) -> None:
        """Free what was allocated."""
        self._plan.close()
