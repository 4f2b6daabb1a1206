"""R-CNN on the device: proposals in the frame's graph, later stages behind a count.

Without parts (a bundle of the first stage alone) the results are the proposals, as on the CPU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecv.head import TwoStageHead, TwoStageMasksHead
from edgecv.ops.class_masks.cuda import SOURCE as CLASS_MASKS
from edgecv.ops.proposals import cuda as proposals
from edgecv.ops.roi_align.cuda import SOURCE as ROI_ALIGN
from edgecv.ops.roi_boxes.cuda import SOURCE as ROI_BOXES
from edgecv.results import Detections, Instances, Results
from edgecv.runtime.heads.two_stage import proposal_rule
from edgecv.runtime.preprocess import Geometry

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream
    from edgecv.runtime.device.rcnn import Found, Rcnn
    from edgecv.runtime.parts import Part

Array = npt.NDArray[Any]

SOURCES = (*proposals.SOURCES, ROI_ALIGN, ROI_BOXES, CLASS_MASKS)
PLACED = True  # its `enqueue` is told where letterbox placed the pictures


class Decoder:
    """The heads `two_stage` and `two_stage_masks`; see `edgecv.runtime.heads.two_stage`.

    Attributes:
        results: `boxes`, `scores`, `ids`, `found` of the proposals.
    """

    def __init__(
        self,
        session: Session,
        head: TwoStageHead | TwoStageMasksHead,
        outputs: Mapping[str, DeviceArray],
        *,
        batch: int,
        input_size: tuple[int, int],
    ) -> None:
        """Allocate; `outputs` are the engine's tensors by name, of `batch` pictures."""
        self._session, self._head = session, head
        levels = range(2, 2 + len(head.anchors))
        scores = [outputs[head.tensor(f"objectness{i}")] for i in levels]
        deltas = [outputs[head.tensor(f"deltas{i}")] for i in levels]
        self._maps = [outputs[head.tensor(f"features{i}")] for i in range(2, 6)]
        rule = proposal_rule(head)
        self._first = proposals.ProposalsPlan(session, scores, deltas, input_size, rule)
        thin = self._first.thin
        names = ("boxes", "scores", "ids", "found")
        self.results: dict[str, DeviceArray] = {name: getattr(thin, name) for name in names}
        self._later: Rcnn | None = None

    def attach(self, parts: Mapping[str, Part], stream: Stream, *, graphs: bool = True) -> None:
        """Later stages on the stream of the first; for one picture at a time."""
        from edgecv.runtime.device.rcnn import Chain, Rcnn

        chain = Chain(self._session, stream, self._maps, self._first)
        self._later = Rcnn(chain, self._head, parts, graphs=graphs)

    def enqueue(self, stream: Stream, frames: DeviceArray) -> None:
        """Launch; `frames` is letterbox's parameter block."""
        self._first.place(stream, frames)
        self._first.enqueue(stream)

    def collect(self, host: Mapping[str, Array], geometries: Sequence[Geometry]) -> list[Results]:
        """Proposals of the first pictures; or, with parts, what the later stages make of them.

        The later stages run here, on what the frame left on the device: a decoder with parts must
        be collected before its next frame is enqueued.
        """
        if self._later is not None:
            with self._session.current():
                found = self._later.run(int(host["found"][0, 0]))
            return [self._result(found, geometries[0])]
        return [self._proposals(host, i, geometry) for i, geometry in enumerate(geometries)]

    def close(self) -> None:
        """Free everything."""
        if self._later is not None:
            self._later.close()
        self._first.close()

    def _proposals(self, host: Mapping[str, Array], index: int, geometry: Geometry) -> Detections:
        count = int(host["found"][index, 0])
        return Detections(
            geometry.to_image(host["boxes"][index, :count]),
            np.array(host["scores"][index, :count]),
            np.zeros(count, np.int64),
            self._head.names,
            geometry.image_size,
        )

    def _result(self, found: Found, geometry: Geometry) -> Results:
        boxes, size = geometry.to_image(found.boxes), geometry.image_size
        names, scores = self._head.names, np.array(found.scores)
        if found.soft is None:
            return Detections(boxes, scores, found.ids, names, size, found.overflow)
        regions = geometry.points_to_image(found.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        threshold = getattr(self._head, "mask_threshold", 0.5)
        rest = (tuple(found.soft), regions, names, size, found.overflow, threshold)
        return Instances(boxes, scores, found.ids, *rest)
