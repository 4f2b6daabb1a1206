"""YOLO v1 on the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgecv.head import YoloV1Head
from edgecv.ops.suppression import cuda as suppression
from edgecv.ops.yolo_v1 import cuda as yolo_v1
from edgecv.runtime.cuda_heads.boxes import BoxDecoder
from edgecv.runtime.heads.yolo_v1 import grid_of

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session

SOURCES = (*yolo_v1.SOURCES, *suppression.SOURCES)


class Decoder(BoxDecoder):
    """The head `yolo_v1`; see `edgecv.runtime.heads.yolo_v1`."""

    def __init__(
        self, session: Session, head: YoloV1Head, outputs: Mapping[str, DeviceArray], *, batch: int
    ) -> None:
        """Allocate; `outputs` are the engine's tensors by name, of `batch` pictures."""
        values = outputs[head.tensor("grid")]
        plan = yolo_v1.YoloV1Plan(session, values, grid_of(head), head.score, head.pre_nms)
        super().__init__(session, head, plan)
