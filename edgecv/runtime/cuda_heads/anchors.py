"""Anchor deltas on the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgecv.head import AnchorsHead
from edgecv.ops.anchors import cuda as anchors
from edgecv.ops.suppression import cuda as suppression
from edgecv.runtime.cuda_heads.boxes import BoxDecoder
from edgecv.runtime.heads.anchors import anchors_of

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session

SOURCES = (*anchors.SOURCES, *suppression.SOURCES)


class Decoder(BoxDecoder):
    """The head `anchors`; see `edgecv.runtime.heads.anchors`."""

    def __init__(
        self, session: Session, head: AnchorsHead, outputs: Mapping[str, DeviceArray], *, batch: int
    ) -> None:
        """Allocate; `outputs` are the engine's tensors by name, of `batch` pictures."""
        scores, deltas = (outputs[head.tensor(role)] for role in head.roles)
        at, layout = anchors_of(head, scores.shape)
        plan = anchors.AnchorsPlan(session, (scores, deltas), at, layout, head.score, head.pre_nms)
        super().__init__(session, head, plan)
