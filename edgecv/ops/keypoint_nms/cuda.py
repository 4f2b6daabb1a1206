"""CUDA twin of keypoint_nms: rounds of two kernels, then the selection of edgecv.ops.topk.

Not run on a GPU yet: executed on the CPU by the emulator of tests/cuda_emulator.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.errors import ShapeError
from edgecv.ops.keypoint_nms import Rule
from edgecv.ops.topk.cuda import SOURCE as TOPK_SOURCE
from edgecv.ops.topk.cuda import Selection

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("keypoint_nms.cu")
SOURCES = (SOURCE, TOPK_SOURCE)
_THREADS = 256


class KeypointNmsPlan:
    """The keypoints of each image: `edgecv.ops.keypoint_nms` on the device.

    Attributes:
        points: (B, k, 2) float32 x, y in pixels of the map, pixel centres; (0, 0) beyond `kept`.
        index: (B, k) int32 into an image's h * w pixels, best first; -1 beyond `kept`.
        value: (B, k) float32 their scores; -inf beyond `kept`.
        kept: (B,) int32, how many of the k are real.
        total: (B,) int32, how many keypoints there were: total - kept did not fit.
        threshold: (1,) float32, read by the kernels: upload another one between two frames.
    """

    def __init__(self, session: Session, *, batch: int, shape: tuple[int, int], rule: Rule) -> None:
        """Allocate for `batch` score maps of `shape` (h, w); inside `session.current()`.

        Raises:
            ShapeError: a size below 1.
            UsageError: the rule has no meaning.
        """
        if min(batch, *shape) < 1:
            raise ShapeError("a plan of keypoints needs images and pixels", got=f"{shape}")
        rule.check()
        height, width = shape
        n = height * width
        self._rule, self._shape, self._n = rule, shape, n
        self._grid = (math.ceil(n / _THREADS), batch)
        self._states = session.zeros((batch, height, width), "uint8")
        self.points = session.zeros((batch, rule.k, 2), "float32")
        loaded = session.kernels(SOURCE)
        self._keep = {
            "float32": loaded.function("keypoint_nms_keep_f32", "PiiiiPP"),
            "float16": loaded.function("keypoint_nms_keep_f16", "PiiiiPP"),
        }
        self._drop = loaded.function("keypoint_nms_drop", "iiiP")
        self._place = loaded.function("keypoint_nms_points", "PPiiP")
        own = ("keypoint_nms", loaded, "PPiiii")
        found = self._selection = Selection(session, own, (batch, n, rule.k), rule.threshold)
        self.index, self.value, self.kept = found.index, found.value, found.kept
        self.total, self.threshold = found.total, found.threshold

    def enqueue(self, stream: Stream, scores: DeviceArray) -> None:
        """Launch on scores (B, h, w), float32 or float16."""
        rule, block = self._rule, (_THREADS,)
        keep, window = self._keep[str(scores.dtype)], (*self._shape, rule.radius)
        for number in range(rule.rounds):
            first = int(number == 0)
            keep.launch(
                stream, self._grid, block, scores, *window, first, self.threshold, self._states
            )
            if number + 1 < rule.rounds:
                self._drop.launch(stream, self._grid, block, *window, self._states)
        source = (scores, self._states, *self._shape, rule.border, self._n)
        self._selection.enqueue(stream, str(scores.dtype), source, None)
        grid = (math.ceil(rule.k / _THREADS), self._grid[1])
        places = (self.index, self.kept, self._shape[1], rule.k, self.points)
        self._place.launch(stream, grid, block, *places)

    def close(self) -> None:
        """Free the outputs and the workspace."""
        self._selection.close()
        self._states.free()
        self.points.free()
