"""Integral regression on the device: the mean place under each map's softmax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgecv.head import IntegralHead
from edgecv.ops.soft_argmax.cuda import SOURCES, SoftArgmaxPlan
from edgecv.runtime.cuda_heads.joints import OnePersonDecoder, maps_of
from edgecv.runtime.heads.joints import check_joints

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session

__all__ = ["SOURCES", "Decoder"]


class Decoder(OnePersonDecoder):
    """The head `integral`; see `edgecv.runtime.heads.integral`."""

    def __init__(
        self,
        session: Session,
        head: IntegralHead,
        outputs: Mapping[str, DeviceArray],
        *,
        batch: int,
    ) -> None:
        """Allocate; `outputs` are the engine's tensors by name, of `batch` pictures."""
        maps = maps_of(head, outputs, "heatmap")
        check_joints(head, maps.shape[1])
        plan = SoftArgmaxPlan(session, batch=batch, shape=maps.shape[1:], beta=head.beta)
        super().__init__(head, maps, plan)
