"""YOLO v2 to v7 on the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgecv.head import YoloV3Head
from edgecv.ops.suppression import cuda as suppression
from edgecv.ops.yolo_v3 import cuda as yolo_v3
from edgecv.runtime.cuda_heads.boxes import BoxDecoder
from edgecv.runtime.heads.yolo_v3 import scales_of

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session

SOURCES = (*yolo_v3.SOURCES, *suppression.SOURCES)


class Decoder(BoxDecoder):
    """The head `yolo_v3`; see `edgecv.runtime.heads.yolo_v3`."""

    def __init__(
        self, session: Session, head: YoloV3Head, outputs: Mapping[str, DeviceArray], *, batch: int
    ) -> None:
        """Allocate; `outputs` are the engine's tensors by name, of `batch` pictures."""
        maps = [outputs[head.tensor(role)] for role in head.roles]
        plan = yolo_v3.YoloV3Plan(session, maps, *scales_of(head), head.score, head.pre_nms)
        super().__init__(session, head, plan)
