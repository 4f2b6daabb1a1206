"""Top-down pose on the device: the highest cell of each joint's map, refined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgecv.head import HeatmapHead
from edgecv.ops.heatmap.cuda import SOURCES, HeatmapPlan
from edgecv.runtime.cuda_heads.joints import OnePersonDecoder, maps_of
from edgecv.runtime.heads.joints import check_joints

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session

__all__ = ["SOURCES", "Decoder"]


class Decoder(OnePersonDecoder):
    """The head `heatmap`; see `edgecv.runtime.heads.heatmap`."""

    def __init__(
        self, session: Session, head: HeatmapHead, outputs: Mapping[str, DeviceArray], *, batch: int
    ) -> None:
        """Allocate; `outputs` are the engine's tensors by name, of `batch` pictures."""
        maps = maps_of(head, outputs, "heatmap")
        _, count, height, width = maps.shape
        check_joints(head, count)
        shape, refine, kernel = (count, height, width), head.refine, head.blur
        plan = HeatmapPlan(session, batch=batch, shape=shape, refine=refine, kernel=kernel)
        super().__init__(head, maps, plan)
