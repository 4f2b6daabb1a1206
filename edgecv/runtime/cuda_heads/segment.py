"""Semantic segmentation on the device: labels at the picture's size come back, a byte each.

At most `ops.label_map.MAX_LABELS` (2 MiB) a picture, so the copy is of fixed size and part of the
frame's graph: smaller than the scores, and there is nothing to count first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import UnsupportedModel
from edgecv.head import SegmentHead
from edgecv.ops.label_map import grid_of, spread
from edgecv.ops.label_map.cuda import SOURCE, LabelMapPlan
from edgecv.ops.refine.cuda import SOURCES as REFINE
from edgecv.ops.refine.cuda import RefinePlan, Seen
from edgecv.progress import note
from edgecv.results import Results, SegmentationMap
from edgecv.runtime.heads.segment import crf_of, decode
from edgecv.runtime.preprocess import Geometry

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

Array = npt.NDArray[Any]

SOURCES = (SOURCE, *REFINE)
PLACED = True  # its `enqueue` is told where letterbox placed the pictures
SEES = True  # and what the network was shown: a CRF follows its edges


class Decoder:
    """The head `segment`; see `edgecv.runtime.heads.segment`.

    Labels that the network chose itself, and scores of one channel, come back as they are and
    are decoded by the CPU twin: they are small already.

    Attributes:
        results: `labels`, (batch, MAX_LABELS) uint8, or the raw output. With a dense CRF also
            `lattice`, (batch, 2) int32: vertices, and those without room, which is noted.
    """

    def __init__(
        self,
        session: Session,
        head: SegmentHead,
        outputs: Mapping[str, DeviceArray],
        *,
        batch: int,
        input_size: tuple[int, int],
        seen: Seen | None = None,
    ) -> None:
        """Allocate; call inside `session.current()`.

        Args:
            session: The device.
            head: From the bundle.
            outputs: The engine's tensors by name.
            batch: Pictures at once.
            input_size: (height, width) of the network's input.
            seen: The network's input, for a head with `crf`.

        Raises:
            UnsupportedModel: `crf` for scores of one channel, or without `seen`.
        """
        name = head.tensor("logits")
        self._head, self._input_size, self._scores = head, input_size, outputs[name]
        self._plan: LabelMapPlan | None = None
        self._refine: RefinePlan | None = None
        self.results: dict[str, DeviceArray] = {name: self._scores}
        shape = self._scores.shape
        if head.form == "logits" and len(shape) == 4 and shape[1] > 1:
            dtype = str(self._scores.dtype)
            if head.crf is not None and seen is not None:
                self._refine = RefinePlan(
                    session,
                    scores=(batch, shape[1], shape[2], shape[3]),
                    seen=seen,
                    crf=crf_of(head.crf),
                    align_corners=head.align_corners,
                )
                shape, dtype = self._refine.refined.shape, "float32"
            each = (shape[1], shape[2], shape[3])
            self._plan = LabelMapPlan(session, batch=batch, scores=each, dtype=dtype)
            self.results = {"labels": self._plan.labels}
            if self._refine is not None and self._refine.state is not None:
                self.results["lattice"] = self._refine.state
        if head.crf is not None and self._refine is None:
            raise UnsupportedModel(
                "head segment: crf on the device needs scores of two classes or more",
                scores=str(tuple(shape)),
                fix="export two channels, or remove head.crf",
            )

    def enqueue(self, stream: Stream, frames: DeviceArray) -> None:
        """Launch; `frames` is letterbox's parameter block of these pictures, (batch, 32) int32."""
        if self._plan is None:
            return
        scores, corners = self._scores, self._head.align_corners
        if self._refine is not None:  # has the input's size: pixel for pixel
            self._refine.enqueue(stream, self._scores)
            scores, corners = self._refine.refined, False
        self._plan.enqueue_placed(stream, scores, frames, self._input_size, align_corners=corners)

    def collect(self, host: Mapping[str, Array], geometries: Sequence[Geometry]) -> list[Results]:
        """Label maps of the first pictures of the batch, from host copies of `results`."""
        if self._plan is None:
            return decode(self._head, host, geometries)
        lost = host["lattice"][: len(geometries), 1].max() if "lattice" in host else 0
        if lost:
            note(f"crf: {lost} lattice vertices had no room: raise color_sigma or bilateral_sigma")
        found: list[Results] = []
        for row, geometry in zip(host["labels"], geometries, strict=False):
            grid = grid_of(geometry.image_size)
            labels = row[: grid[0] * grid[1]].reshape(grid)
            labels = np.array(spread(labels, geometry.image_size))
            found.append(SegmentationMap(labels, self._head.names, geometry.image_size))
        return found

    def close(self) -> None:
        """Free what was allocated."""
        for plan in (self._plan, self._refine):
            if plan is not None:
                plan.close()
