"""CUDA plan of class_masks; see `edgecv.ops.class_masks` for what it computes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("class_masks.cu")
_THREADS = 128


class ClassMasksPlan:
    """Masks of the boxes of one picture.

    Attributes:
        soft: (K, m, m) float32 probabilities; 0 from the count on, and for a class without a mask.
    """

    def __init__(self, session: Session, masks: DeviceArray, background_last: bool = False) -> None:
        """Allocate; `masks` (K, C, m, m), float32 or float16, is what every `enqueue` reads."""
        rows, channels, height, width = masks.shape
        self.soft = session.empty((rows, height, width), "float32")
        short = {"float32": "f32", "float16": "f16"}[np.dtype(masks.dtype).name]
        self._kernel = session.kernels(SOURCE).function(f"class_masks_{short}", "PPPPiii")
        self._masks, self._rows = masks, rows
        self._numbers = (channels, height * width, 0 if background_last else 1)

    def enqueue(self, stream: Stream, ids: DeviceArray, count: DeviceArray) -> None:
        """Launch.

        Args:
            stream: Where.
            ids: (K or more,) int32 class ids.
            count: (1,) int32: how many boxes are real.
        """
        arrays = (self._masks, ids, count, self.soft)
        self._kernel.launch(stream, (self._rows,), (_THREADS,), *arrays, *self._numbers)

    def close(self) -> None:
        """Free what the plan allocated."""
        self.soft.free()
