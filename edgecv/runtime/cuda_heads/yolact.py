"""YOLACT on the device: boxes from anchors, hard suppression, masks in crops of the prototypes.

Crops of all instances of a picture share room for eight whole maps, or 1024 cells each; instances
whose crop finds none are dropped and counted as overflow. Masks come back as float16. Other forms
of the head (boxes that are not deltas, Fast NMS) are decoded by the CPU from the raw outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecv.head import YolactHead
from edgecv.ops.anchors import AnchorLayout
from edgecv.ops.anchors import cuda as anchors_cuda
from edgecv.ops.prototypes import cuda as prototypes
from edgecv.ops.suppression import cuda as suppression
from edgecv.results import Instances, Results
from edgecv.runtime.boxes import rule_of
from edgecv.runtime.heads import decode
from edgecv.runtime.heads.yolact import anchors
from edgecv.runtime.preprocess import Geometry

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

Array = npt.NDArray[Any]

GATHER = Path(prototypes.__file__).with_name("gather.cu")
SOURCES = (*anchors_cuda.SOURCES, *suppression.SOURCES, prototypes.SOURCE, GATHER)
PLACED = True  # its constructor is told the size of the network's input
_THREADS = 256


class _Masks:
    """Everything on the device, for deltas and hard suppression."""

    def __init__(
        self,
        session: Session,
        head: YolactHead,
        outputs: Mapping[str, DeviceArray],
        input_size: tuple[int, int],
    ) -> None:
        scores, boxes, self._weights, self._maps = (outputs[head.tensor(r)] for r in head.roles)
        batch, count, columns = scores.shape
        k = self._weights.shape[2]
        vx, vy, vw, vh = (1 / weight for weight in head.weights)
        layout = AnchorLayout(activation=head.activation, variances=(vx, vy, vw, vh))
        shape = (head.anchors, head.ratios, head.square_anchors)
        corners = anchors(head.strides, *shape, input_size)
        at = np.concatenate(
            [(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1
        ).astype(np.float32)
        self.found = anchors_cuda.AnchorsPlan(
            session, (scores, boxes), at, layout, head.score, head.pre_nms
        )
        self.thin = suppression.SuppressionPlan(session, self.found, rule_of(head))
        limit = self.thin.boxes.shape[1]
        self.own = session.zeros((batch, limit, k), "float32")
        height, width = self._maps.shape[1:3] if head.channels_last else self._maps.shape[2:]
        room = max(limit * 1024, 8 * (height + 2) * (width + 2))
        room = min(room, limit * (height + 2) * (width + 2))
        crop = prototypes.CropLayout(input_size, head.channels_last, room, "float16")
        self.cell = (width / input_size[1], height / input_size[0])
        self.soft = prototypes.PrototypesPlan(session, self._maps, limit, crop)
        short = {"float32": "f32", "float16": "f16"}[np.dtype(self._weights.dtype).name]
        self._gather = session.kernels(GATHER).function(
            f"prototypes_gather_{short}", "P" * 5 + "i" * 5
        )
        classes = columns - (head.activation == "softmax")
        self._numbers = (count, classes, self.found.k, limit, k)
        self._grid = (ceil(limit * k / _THREADS), batch)

    def enqueue(self, stream: Stream) -> None:
        self.found.enqueue(stream)
        self.thin.enqueue(stream)
        kept = (self.found.index, self.thin.keep, self.thin.kept)
        self._gather.launch(
            stream, self._grid, (_THREADS,), self._weights, *kept, self.own, *self._numbers
        )
        self.soft.enqueue(stream, self._maps, self.own, self.thin.boxes, self.thin.kept)

    def close(self) -> None:
        for owner in (self.soft, self.thin, self.found):
            owner.close()
        self.own.free()


class Decoder:
    """The head `yolact`; see `edgecv.runtime.heads.yolact`.

    Attributes:
        results: Boxes, scores, ids, counts and crops; or the raw outputs, for the CPU.
    """

    def __init__(
        self,
        session: Session,
        head: YolactHead,
        outputs: Mapping[str, DeviceArray],
        *,
        batch: int,
        input_size: tuple[int, int],
    ) -> None:
        """Allocate; `outputs` are the engine's tensors by name, of `batch` pictures."""
        self._head = head
        self._masks: _Masks | None = None
        self.results: dict[str, DeviceArray] = {
            head.tensor(role): outputs[head.tensor(role)] for role in head.roles
        }
        if head.boxes == "deltas" and head.nms == "hard":
            made = self._masks = _Masks(session, head, outputs, input_size)
            names = ("boxes", "scores", "ids", "found")
            self.results = {name: getattr(made.thin, name) for name in names}
            names = ("soft", "places", "cells", "dropped")
            self.results |= {name: getattr(made.soft, name) for name in names}

    def enqueue(self, stream: Stream, frames: DeviceArray) -> None:
        """Launch; `frames`, letterbox's parameter block, is not needed."""
        if self._masks is not None:
            self._masks.enqueue(stream)

    def collect(self, host: Mapping[str, Array], geometries: Sequence[Geometry]) -> list[Results]:
        """Instances of the first pictures of the batch, from host copies of `results`."""
        if self._masks is None:
            whole = {name: np.asarray(array, np.float32) for name, array in host.items()}
            return decode(self._head, whole, geometries)
        cell = np.array(self._masks.cell * 2)
        return [self._image(host, i, geometry, cell) for i, geometry in enumerate(geometries)]

    def close(self) -> None:
        """Free everything."""
        if self._masks is not None:
            self._masks.close()

    def _image(self, host: Mapping[str, Array], i: int, geometry: Geometry, cell: Array) -> Results:
        count, overflow = (int(value) for value in host["found"][i])
        places, boxes = host["places"][i, :count], host["boxes"][i, :count]
        area = np.asarray((boxes[:, 2:] > boxes[:, :2]).all(axis=1))
        # no crop: a box outside of the maps keeps its empty mask, one that found no room is dropped
        dropped = (places[:, 1] == 0) & area & (host["cells"][i, :count].any(axis=1))
        kept = np.flatnonzero(~dropped)
        flat = host["soft"].reshape(-1)
        soft = tuple(
            flat[start : start + rows * columns].reshape(rows, columns).astype(np.float32)
            for start, rows, columns in places[kept].tolist()
        )
        regions = (host["cells"][i][kept] / cell).reshape(-1, 2, 2)
        return Instances(
            geometry.to_image(boxes[kept]),
            np.array(host["scores"][i][kept]),
            host["ids"][i][kept].astype(np.int64),
            soft,
            geometry.points_to_image(regions).reshape(-1, 4),
            self._head.names,
            geometry.image_size,
            overflow + int(dropped.sum()),
            self._head.mask_threshold,
        )
