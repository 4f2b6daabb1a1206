"""What the device decoders of all detectors share: choose, suppress, copy kilobytes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecv.head.boxes import BoxHead
from edgecv.ops.suppression.cuda import SuppressionPlan
from edgecv.results import Detections, Results
from edgecv.runtime.boxes import rule_of
from edgecv.runtime.preprocess import Geometry

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream
    from edgecv.ops._chosen import ChosenBoxes

Array = npt.NDArray[Any]


class BoxDecoder:
    """Candidates of a detector, suppressed on the device.

    Attributes:
        results: `boxes`, `scores`, `ids` and `found` of `SuppressionPlan`, copied back a frame.
    """

    def __init__(self, session: Session, head: BoxHead, chosen: ChosenBoxes) -> None:
        """Suppress what `chosen`, the head's own plan, leaves; both are freed by `close`."""
        self._head, self._chosen = head, chosen
        self._thin = SuppressionPlan(session, chosen, rule_of(head))
        names = ("boxes", "scores", "ids", "found")
        self.results: dict[str, DeviceArray] = {name: getattr(self._thin, name) for name in names}

    def enqueue(self, stream: Stream) -> None:
        """Launch."""
        self._chosen.enqueue(stream)
        self._thin.enqueue(stream)

    def collect(self, host: Mapping[str, Array], geometries: Sequence[Geometry]) -> list[Results]:
        """Detections of the first pictures of the batch, from host copies of `results`."""
        found: list[Results] = []
        for i, geometry in enumerate(geometries):
            count, overflow = (int(value) for value in host["found"][i])
            found.append(
                Detections(
                    geometry.to_image(host["boxes"][i, :count]),
                    np.array(host["scores"][i, :count]),
                    host["ids"][i, :count].astype(np.int64),
                    self._head.names,
                    geometry.image_size,
                    overflow,
                )
            )
        return found

    def close(self) -> None:
        """Free everything."""
        self._thin.close()
        self._chosen.close()
