"""The later stages of a two-stage detector on the device: one stream, buckets, two counts read.

Graph A (letterbox, backbone, proposals) has run; its count says which bucket of the box part runs
(RoIAlign, engine, decoding, suppression), and the count of that one which bucket of the mask part.
Boxes, scores and small masks are copied back once the last stage is done. One picture at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.cuda.memory import DeviceArray
from edgecv.cuda.session import Session
from edgecv.cuda.stream import Stream
from edgecv.engines.trt_context import EngineContext
from edgecv.errors import FileError
from edgecv.head import TwoStageHead, TwoStageMasksHead
from edgecv.ops.class_masks.cuda import ClassMasksPlan
from edgecv.ops.proposals.cuda import ProposalsPlan
from edgecv.ops.roi_align.cuda import RoiAlignPlan
from edgecv.ops.roi_boxes.cuda import RoiBoxesPlan
from edgecv.ops.suppression.cuda import SuppressionPlan
from edgecv.runtime.boxes import rule_of
from edgecv.runtime.device.buckets import MASKS, ROIS, Buckets, bucket_sizes
from edgecv.runtime.heads.two_stage import box_rule, grid
from edgecv.runtime.parts import Part

Array = npt.NDArray[Any]
Head = TwoStageHead | TwoStageMasksHead


class Chain(NamedTuple):
    """What the later stages work on.

    Attributes:
        session: The device.
        stream: Where everything computes, the first stage too.
        maps: (1, C, h, w) features of each level, the finest first.
        first: The proposals.
    """

    session: Session
    stream: Stream
    maps: Sequence[DeviceArray]
    first: ProposalsPlan


class Final(NamedTuple):
    """The boxes that stay, wherever they were computed: fixed addresses for the mask stage."""

    boxes: DeviceArray
    scores: DeviceArray
    ids: DeviceArray
    found: DeviceArray

    @property
    def real(self) -> DeviceArray:
        """(1,) int32: how many are real."""
        return self.found.view((1,), "int32")


class _Engine:
    """An execution context of a part at one number of rows, its tensors allocated and bound."""

    def __init__(self, session: Session, part: Part, size: int, rows: DeviceArray) -> None:
        engine: Any = part.engine
        self.context: EngineContext = engine.context(batch=size)
        self.outputs = {t.name: session.empty(t.shape, t.dtype) for t in self.context.outputs}
        wanted = self.context.inputs[0]
        self.context.bind({wanted.name: rows.view(wanted.shape, wanted.dtype), **self.outputs})
        self._part = part

    def output(self, name: str) -> DeviceArray:
        """An output by name; the only one has any name."""
        if name not in self.outputs and len(self.outputs) > 1:
            raise FileError(
                f"part {self._part.name} of the bundle has no output {name!r}",
                outputs=", ".join(sorted(self.outputs)),
            )
        return self.outputs.get(name, next(iter(self.outputs.values())))

    def close(self) -> None:
        self.context.close()
        for array in self.outputs.values():
            array.free()


class BoxStage:
    """`size` proposals: pooled, judged by the box part, suppressed, put where the result lies."""

    def __init__(self, chain: Chain, head: Head, part: Part, size: int, final: Final) -> None:
        """Allocate."""
        session, self._chain, self._final = chain.session, chain, final
        dtype = part.engine.inputs[0].dtype
        pooling = grid(head, head.box_size)
        self._pool = RoiAlignPlan(session, chain.maps, pooling, size, dtype=dtype)
        self._engine = _Engine(session, part, size, self._pool.pooled)
        raw = self._engine.output("logits"), self._engine.output("deltas")
        self._boxes = RoiBoxesPlan(session, raw, 1, box_rule(head))
        self._thin = SuppressionPlan(session, self._boxes, rule_of(head))

    def enqueue(self, stream: Stream) -> None:
        """Launch."""
        first, thin = self._chain.first, self._thin
        boxes, count = first.thin.boxes, first.thin.found.view((1,), "int32")
        self._pool.enqueue(stream, self._chain.maps, boxes, count)
        self._engine.context.enqueue(stream)
        self._boxes.enqueue(stream, boxes, count, first.areas)
        thin.enqueue(stream)
        for target, source in zip(
            self._final, (thin.boxes, thin.scores, thin.ids, thin.found), strict=True
        ):
            target.view(source.shape, source.dtype).copy_from(source, stream)

    def close(self) -> None:
        """Free what it allocated."""
        for owner in (self._thin, self._boxes, self._engine, self._pool):
            owner.close()


class MaskStage:
    """`size` final boxes: pooled, and the mask of each box's class.

    Attributes:
        soft: (size, m, m) float32 probabilities.
    """

    def __init__(
        self, chain: Chain, head: TwoStageMasksHead, part: Part, size: int, final: Final
    ) -> None:
        """Allocate."""
        self._chain, self._final = chain, final
        dtype = part.engine.inputs[0].dtype
        pooling = grid(head, head.mask_size)
        self._pool = RoiAlignPlan(chain.session, chain.maps, pooling, size, dtype=dtype)
        self._engine = _Engine(chain.session, part, size, self._pool.pooled)
        masks = self._engine.output("masks")
        self._own = ClassMasksPlan(chain.session, masks, head.background_last)
        self.soft = self._own.soft

    def enqueue(self, stream: Stream) -> None:
        """Launch."""
        final = self._final
        self._pool.enqueue(stream, self._chain.maps, final.boxes, final.real)
        self._engine.context.enqueue(stream)
        self._own.enqueue(stream, final.ids, final.real)

    def close(self) -> None:
        """Free what it allocated."""
        for owner in (self._own, self._engine, self._pool):
            owner.close()


class Found(NamedTuple):
    """What the last stages left, on the host.

    Attributes:
        boxes: (N, 4) float32 xyxy in input pixels.
        scores: (N,) float32, falling.
        ids: (N,) int64.
        soft: (N, m, m) float32; None without a mask part.
        overflow: Candidates no capacity held, at any stage.
    """

    boxes: Array
    scores: Array
    ids: Array
    soft: Array | None
    overflow: int


class Rcnn:
    """Box and mask stages behind proposals. Used inside `session.current()`."""

    def __init__(
        self, chain: Chain, head: Head, parts: Mapping[str, Part], *, graphs: bool = True
    ) -> None:
        """Make every bucket; `parts` are plans (`TensorRtEngine`) that outlive this."""
        session, stream = chain.session, chain.stream
        n = head.max_detections
        self._chain = chain
        self._final = Final(
            session.zeros((1, n, 4), "float32"),
            session.zeros((1, n), "float32"),
            session.zeros((1, n), "int32"),
            session.zeros((1, 2), "int32"),
        )
        box, final = parts["box"], self._final
        sizes = bucket_sizes(ROIS, box.batch, head.proposals)
        self._boxes: Buckets[BoxStage] = Buckets(
            session, stream, sizes, lambda size: BoxStage(chain, head, box, size, final),
            graphs=graphs,
        )  # fmt: skip
        self._masks: Buckets[MaskStage] | None = None
        if isinstance(head, TwoStageMasksHead):
            mask, masked = parts["mask"], head
            sizes = bucket_sizes(MASKS, mask.batch, n)
            self._masks = Buckets(
                session, stream, sizes, lambda size: MaskStage(chain, masked, mask, size, final),
                graphs=graphs,
            )  # fmt: skip
        self._cells = (0, 0)
        self._host = [session.pinned(array.shape, array.dtype) for array in self._final]
        self._soft: dict[int, Array] = {}  # pinned copies of what each mask bucket leaves

    def run(self, proposals: int) -> Found:
        """The boxes and masks of one picture, of whose `proposals` the host has read the count."""
        stream = self._chain.stream
        if self._boxes.run(proposals) is None:
            return self._nothing()
        for array, host in zip(self._final, self._host, strict=True):
            array.download(host, stream)
        stream.synchronize()
        count, lost = (int(value) for value in self._host[3][0])
        lost += self._boxes.dropped(proposals)
        soft = self._soft_masks(count) if self._masks else None
        if soft is not None and len(soft) < count:  # a mask part that takes too few at once
            lost, count = lost + count - len(soft), len(soft)
        boxes, scores, ids = (host[0, :count].copy() for host in self._host[:3])
        return Found(boxes, scores, ids.astype(np.int64), soft, lost)

    def close(self) -> None:
        """Free everything; the stream has no work of this left."""
        self._boxes.close()
        if self._masks is not None:
            self._masks.close()
        for array in self._final:
            array.free()
        for host in (*self._host, *self._soft.values()):
            self._chain.session.unpin(host)
        self._host, self._soft = [], {}

    def _soft_masks(self, count: int) -> Array:
        """(N, m, m): the masks of the first boxes, N at most the largest bucket."""
        stage = self._masks.run(count) if self._masks else None
        if stage is None:
            return np.zeros((0, *self._cells), np.float32)
        size, *cells = stage.soft.shape
        self._cells = (cells[0], cells[1])
        if size not in self._soft:
            self._soft[size] = self._chain.session.pinned(stage.soft.shape, "float32")
        stage.soft.download(self._soft[size], self._chain.stream)
        self._chain.stream.synchronize()
        return self._soft[size][:count].copy()

    def _nothing(self) -> Found:
        soft = np.zeros((0, *self._cells), np.float32) if self._masks else None
        empty = np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
        return Found(*empty, soft, 0)
