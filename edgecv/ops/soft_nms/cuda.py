"""CUDA twin of soft_nms: a block decays one class of one image, then top-k ranks what is left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.errors import ShapeError
from edgecv.ops.soft_nms import Decay, check_decay
from edgecv.ops.topk.cuda import SOURCE as TOPK
from edgecv.ops.topk.cuda import TopKPlan

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("soft_nms.cu")
SOURCES = (SOURCE, TOPK)
_THREADS = 256


class SoftNmsPlan:
    """Soft suppression of sorted boxes: `edgecv.ops.soft_nms` on the device.

    Attributes:
        index: (B, limit) int32, by falling decayed score; -1 beyond `kept`.
        scores: (B, limit) float32 decayed scores; -inf beyond `kept`.
        kept: (B,) int32, how many of `limit` are real.
        overflow: (B,) int32, candidates that never competed because their class was full.
    """

    def __init__(self, session: Session, *, batch: int, n: int, classes: int, decay: Decay) -> None:
        """Allocate for `batch` images of up to `n` candidates; inside `session.current()`.

        Args:
            session: The device.
            batch: Images.
            n: Candidates of an image.
            classes: Ids are 0..classes - 1; boxes of other ids are dropped.
            decay: How scores fall.

        Raises:
            ShapeError: a size below 1.
            ValueError: sigma is not positive.
        """
        if min(batch, n, classes) < 1:
            raise ShapeError(
                "a soft-NMS plan needs batch, n and classes >= 1", batch=batch, n=n, classes=classes
            )
        check_decay(decay)
        self._grid = (classes, batch)
        gaussian = decay.kind == "gaussian"
        width = decay.sigma if gaussian else decay.iou
        self._rule = (n, decay.limit, int(gaussian), width, decay.floor)
        self._decayed = session.empty((batch, n), "float32")
        self.overflow = session.zeros((batch,), "int32")
        self._rank = TopKPlan(session, batch=batch, n=n, k=decay.limit, threshold=decay.floor)
        self.index, self.scores, self.kept = self._rank.index, self._rank.value, self._rank.kept
        self._step = session.kernels(SOURCE).function("soft_nms_decay", "PPPPiiiffPP")

    def enqueue(
        self,
        stream: Stream,
        boxes: DeviceArray,
        scores: DeviceArray,
        ids: DeviceArray | None,
        count: DeviceArray,
    ) -> None:
        """Launch.

        Args:
            stream: Where.
            boxes: (B, n, 4) float32 xyxy, best first; a row's start is a multiple of 16 bytes.
            scores: (B, n) float32.
            ids: (B, n) int32 class ids; None: all boxes are of class 0.
            count: (B,) int32, how many candidates of each image are real.
        """
        self.overflow.fill(stream)
        classes: DeviceArray | int = 0 if ids is None else ids
        out = (self._decayed, self.overflow)
        self._step.launch(
            stream, self._grid, (_THREADS,), boxes, scores, classes, count, *self._rule, *out
        )
        self._rank.enqueue(stream, self._decayed, count)

    def close(self) -> None:
        """Free the outputs and the workspace."""
        self._rank.close()
        self._decayed.free()
        self.overflow.free()
