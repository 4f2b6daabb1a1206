"""CUDA twin of refine: a plan from the engine's tensors to probabilities; the CPU twin's bits.

Beside what the CRF's plan takes: the enlarged scores (4 L H W bytes a picture) and the picture
(3 H W). Not run on a GPU yet: executed by the emulator of tests/cuda_emulator.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edgecv.ops._op import SUFFIX
from edgecv.ops.conv_crf import ConvCrf
from edgecv.ops.conv_crf.cuda import SOURCE as CONV
from edgecv.ops.conv_crf.cuda import ConvCrfPlan
from edgecv.ops.dense_crf.cuda import DenseCrfPlan
from edgecv.ops.dense_crf.device_lattice import SOURCE as DENSE
from edgecv.ops.label_map import sampling, taps
from edgecv.ops.refine import Crf

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("refine.cu")
SOURCES = (SOURCE, DENSE, CONV)
_THREADS = 256


class Seen(NamedTuple):
    """The network's input on the device, and how its pixels were normalised.

    `tensor`: (B, C, H, W) float32 or float16; `mean`, `std`: a value a channel.
    """

    tensor: DeviceArray
    mean: tuple[float, ...]
    std: tuple[float, ...]


class RefinePlan:
    """Refine the scores of a batch.

    Attributes:
        refined: (B, L, H, W) float32 probabilities at the size of the network's input.
        state: (B, 2) int32 vertices of the dense CRF's lattice and how many did not fit, as
            `DenseCrfPlan.state`; None for the convolutional one.
    """

    def __init__(
        self,
        session: Session,
        *,
        scores: tuple[int, int, int, int],
        seen: Seen,
        crf: Crf,
        align_corners: bool = False,
    ) -> None:
        """Allocate. Call inside `session.current()`.

        Args:
            session: The device.
            scores: (B, L, h, w) of the engine's scores.
            seen: The network's input, which is read in every `enqueue`.
            crf: Which CRF, and its parameters.
            align_corners: As for `label_map.sampling`.

        Raises:
            ShapeError: as the CRF's plan.
        """
        batch, labels, *cells = scores
        size = (seen.tensor.shape[2], seen.tensor.shape[3])
        self._scores, self._size, self._seen = scores, size, seen
        shape = (labels, *size)
        self._crf: ConvCrfPlan | DenseCrfPlan
        self.state: DeviceArray | None = None
        if isinstance(crf, ConvCrf):
            self._crf = ConvCrfPlan(session, batch=batch, shape=shape, crf=crf, labels=False)
        else:
            self._crf = DenseCrfPlan(session, batch=batch, shape=shape, crf=crf, labels=False)
            self.state = self._crf.state
        self.refined = self._crf.refined
        self._large = session.empty((batch, *shape), "float32")
        self._pixels = session.empty((batch, *size, 3), "uint8")
        read = sampling((cells[0], cells[1]), size, align_corners=align_corners)
        tables = (taps(read.y, cells[0]), taps(read.x, cells[1]))
        index = [part for low, high, _ in tables for part in (low, high)]
        self._index = session.upload(np.concatenate(index).astype(np.int32))
        self._share = session.upload(np.concatenate([share for _, _, share in tables]))
        self._levels = session.upload(np.array([*seen.mean, *seen.std], np.float32))
        kernels = session.kernels(SOURCE)
        self._enlarge = {
            dtype: kernels.function(f"refine_enlarge{suffix}", "PPPiiiiP")
            for dtype, suffix in SUFFIX.items()
        }
        self._take = kernels.function(f"refine_pixels{SUFFIX[str(seen.tensor.dtype)]}", "PPiiP")

    def enqueue(self, stream: Stream, scores: DeviceArray) -> None:
        """Launch; `scores` (B, L, h, w) float32 or float16."""
        batch, labels, *cells = self._scores
        count = self._size[0] * self._size[1]
        blocks, block = math.ceil(count / _THREADS), (_THREADS,)
        tensor = self._seen.tensor
        self._take.launch(
            stream, (blocks, batch), block, tensor, self._levels, tensor.shape[1], count,
            self._pixels,
        )  # fmt: skip
        self._enlarge[str(scores.dtype)].launch(
            stream, (blocks, batch * labels), block, scores, self._index, self._share, *cells,
            *self._size, self._large,
        )  # fmt: skip
        self._crf.enqueue(stream, self._large, self._pixels)

    def close(self) -> None:
        """Free the outputs and the workspace."""
        self._crf.close()
        for array in (self._large, self._pixels, self._index, self._share, self._levels):
            array.free()
