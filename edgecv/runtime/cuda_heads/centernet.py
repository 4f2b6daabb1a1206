"""CenterNet on the device. See `edgecv.runtime.heads.centernet`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecv.head import CenterNetHead
from edgecv.ops.center_boxes.cuda import SOURCES as BOXES
from edgecv.ops.center_boxes.cuda import CenterBoxesPlan
from edgecv.results import Detections, Results
from edgecv.runtime.heads.centernet import layout_of, maps_of
from edgecv.runtime.preprocess import Geometry

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

Array = npt.NDArray[Any]

SOURCES: tuple[Path, ...] = BOXES


class Decoder:
    """See `edgecv.runtime.cuda_heads`.

    Attributes:
        results: `boxes` (B, K, 4) float32 in input pixels, `scores` (B, K), `ids` (B, K) int32,
            `count` and `total` (B,) int32.
    """

    def __init__(
        self,
        session: Session,
        head: CenterNetHead,
        outputs: Mapping[str, DeviceArray],
        *,
        batch: int,
    ) -> None:
        """Allocate for the head's three maps."""
        self._head = head
        maps = maps_of(head, outputs)
        self._plan = CenterBoxesPlan(
            session, maps, layout_of(head), head.score, head.max_detections
        )
        self.results = {
            "boxes": self._plan.boxes,
            "scores": self._plan.scores,
            "ids": self._plan.ids,
            "count": self._plan.count,
            "total": self._plan.total,
        }

    def enqueue(self, stream: Stream) -> None:
        """Launch; reads the maps."""
        self._plan.enqueue(stream)

    def collect(self, host: Mapping[str, Array], geometries: Sequence[Geometry]) -> list[Results]:
        """Detections of the first `len(geometries)` images."""
        found: list[Results] = []
        for i, geometry in enumerate(geometries):
            n, total = int(host["count"][i]), int(host["total"][i])
            boxes = geometry.to_image(host["boxes"][i, :n])
            scores, ids = host["scores"][i, :n].copy(), host["ids"][i, :n].astype(np.int64)
            size = geometry.image_size
            found.append(Detections(boxes, scores, ids, self._head.names, size, total - n))
        return found

    def close(self) -> None:
        """Free what was allocated."""
        self._plan.close()
