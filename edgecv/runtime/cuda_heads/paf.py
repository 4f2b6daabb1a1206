"""Bottom-up pose on the device: people by Part Affinity Fields, assembled there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.head import PafHead
from edgecv.ops.paf.cuda import SOURCES, PafPlan
from edgecv.results import Results
from edgecv.runtime.cuda_heads.joints import maps_of
from edgecv.runtime.heads.joints import people_of
from edgecv.runtime.heads.paf import grouping_of
from edgecv.runtime.preprocess import Geometry

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

Array = npt.NDArray[Any]

__all__ = ["SOURCES", "Decoder"]


class Decoder:
    """The head `paf`; see `edgecv.runtime.heads.paf`.

    Attributes:
        results: `joints`, `scores`, `count` and `dropped` of `PafPlan`: for 32 people of 18 joints
            7 KB a picture.
    """

    def __init__(
        self, session: Session, head: PafHead, outputs: Mapping[str, DeviceArray], *, batch: int
    ) -> None:
        """Allocate; `outputs` are the engine's tensors by name, of `batch` pictures."""
        self._head = head
        self._maps = maps_of(head, outputs, "heatmaps")
        self._fields = maps_of(head, outputs, "pafs")
        _, count, height, width = self._maps.shape
        if self._fields.shape[2:] != (height, width):
            raise ShapeError(
                "head paf: pafs must be as large as heatmaps",
                got=self._fields.shape,
                heatmaps=self._maps.shape,
            )
        self._plan = PafPlan(
            session,
            batch=batch,
            maps=(count, height, width),
            channels=self._fields.shape[1],
            joints=len(head.joints),
            grouping=grouping_of(head),
        )
        names = ("joints", "scores", "count", "dropped")
        self.results: dict[str, DeviceArray] = {name: getattr(self._plan, name) for name in names}

    def enqueue(self, stream: Stream) -> None:
        """Launch."""
        self._plan.enqueue(stream, self._maps, self._fields)

    def collect(self, host: Mapping[str, Array], geometries: Sequence[Geometry]) -> list[Results]:
        """Keypoints of the first pictures of the batch, from host copies of `results`."""
        grid = (self._maps.shape[2], self._maps.shape[3])
        found: list[Results] = []
        for i, geometry in enumerate(geometries):
            count = int(host["count"][i])
            joints, scores = np.array(host["joints"][i, :count]), host["scores"][i, :count]
            dropped = int(host["dropped"][i])
            found.append(people_of(self._head, joints, scores, geometry, grid, dropped))
        return found

    def close(self) -> None:
        """Free everything."""
        self._plan.close()
