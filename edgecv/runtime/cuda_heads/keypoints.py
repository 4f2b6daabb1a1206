"""Keypoints and their descriptors on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecv.head import KeypointsHead
from edgecv.ops.cell_scores.cuda import SOURCE as CELLS
from edgecv.ops.cell_scores.cuda import CellScoresPlan
from edgecv.ops.keypoint_nms.cuda import SOURCES as NMS
from edgecv.ops.keypoint_nms.cuda import KeypointNmsPlan
from edgecv.ops.sample_descriptors.cuda import SOURCE as SAMPLE
from edgecv.ops.sample_descriptors.cuda import SampleDescriptorsPlan
from edgecv.results import Results
from edgecv.runtime.heads import tensor_of
from edgecv.runtime.heads.keypoints import features_of, rule_of, score_sides
from edgecv.runtime.preprocess import Geometry

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

Array = npt.NDArray[Any]
SOURCES = (CELLS, *NMS, SAMPLE)


class Decoder:
    """The head `keypoints`; see `edgecv.runtime.heads.keypoints`.

    Attributes:
        results: `points` (N, k, 2) in input pixels, `value` (N, k), `kept` and `total` (N,),
            `descriptors` (N, k, D): a megabyte a picture for 1024 of 256 channels.
    """

    def __init__(
        self,
        session: Session,
        head: KeypointsHead,
        outputs: Mapping[str, DeviceArray],
        *,
        batch: int,
    ) -> None:
        """Allocate; `outputs` are the engine's tensors by name, of `batch` pictures."""
        scores = tensor_of(head, outputs, "scores", score_sides(head, outputs))
        self._maps = tensor_of(head, outputs, "descriptors", (None, None, None))
        self._cells: CellScoresPlan | None = None
        self._detected = self._scores = scores
        if head.form == "cells":
            _, channels, height, width = scores.shape
            self._cells = CellScoresPlan(session, batch=batch, shape=(channels, height, width))
            self._scores = self._cells.scores
        height, width = self._scores.shape[-2:]
        rule = rule_of(head)
        self._nms = KeypointNmsPlan(session, batch=batch, shape=(height, width), rule=rule)
        _, depth, rows, columns = self._maps.shape
        self._sample = SampleDescriptorsPlan(
            session,
            shape=(batch, depth, rows, columns),
            k=rule.k,
            stride=head.stride,
            grid=head.grid,
        )
        self.results: dict[str, DeviceArray] = {
            "points": self._nms.points,
            "value": self._nms.value,
            "kept": self._nms.kept,
            "total": self._nms.total,
            "descriptors": self._sample.descriptors,
        }

    def enqueue(self, stream: Stream) -> None:
        """Launch."""
        if self._cells is not None:
            self._cells.enqueue(stream, self._detected)
        self._nms.enqueue(stream, self._scores)
        self._sample.enqueue(stream, self._maps, self._nms.points, self._nms.kept)

    def collect(self, host: Mapping[str, Array], geometries: Sequence[Geometry]) -> list[Results]:
        """Features of the first pictures of the batch, from host copies of `results`."""
        found: list[Results] = []
        for i, geometry in enumerate(geometries):
            n, total = int(host["kept"][i]), int(host["total"][i])
            points, scores = np.array(host["points"][i, :n]), np.array(host["value"][i, :n])
            vectors = np.array(host["descriptors"][i, :n])
            found.append(features_of(points, scores, vectors, geometry, total - n))
        return found

    def close(self) -> None:
        """Free everything."""
        self._sample.close()
        self._nms.close()
        if self._cells is not None:
            self._cells.close()
