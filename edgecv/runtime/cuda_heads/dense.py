"""Dense predictions on the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgecv.head import DenseHead
from edgecv.ops.dense_boxes import cuda as dense_boxes
from edgecv.ops.suppression import cuda as suppression
from edgecv.runtime.cuda_heads.boxes import BoxDecoder
from edgecv.runtime.heads.dense import layout_of

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session

SOURCES = (*dense_boxes.SOURCES, *suppression.SOURCES)


class Decoder(BoxDecoder):
    """The head `dense`; see `edgecv.runtime.heads.dense`."""

    def __init__(
        self, session: Session, head: DenseHead, outputs: Mapping[str, DeviceArray], *, batch: int
    ) -> None:
        """Allocate; `outputs` are the engine's tensors by name, of `batch` pictures."""
        predictions = outputs[head.tensor("predictions")]
        layout = layout_of(head, predictions.shape)
        plan = dense_boxes.DenseBoxesPlan(session, predictions, layout, head.score, head.pre_nms)
        super().__init__(session, head, plan)
