"""CUDA twin of heatmap: one kernel, a block of 128 threads a map.

Not run on a GPU yet: executed on the CPU by the emulator of tests/cuda_emulator.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.errors import ShapeError
from edgecv.ops.heatmap import Refine, blur_taps, check_refinement

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("heatmap.cu")
SOURCES = (SOURCE,)
_THREADS = 128
_REFINE = {"none": 0, "quarter": 1, "taylor": 2}


class HeatmapPlan:
    """The joint of each map: `edgecv.ops.heatmap` on the device.

    Attributes:
        joints: (N, J, 3) float32: x, y in cells, score.
    """

    def __init__(
        self,
        session: Session,
        *,
        batch: int,
        shape: tuple[int, int, int],
        refine: Refine = "quarter",
        kernel: int = 0,
    ) -> None:
        """Allocate for `batch` images of maps of `shape` (J, h, w); inside `session.current()`.

        Raises:
            ShapeError: a size below 1.
            UsageError: as the CPU twin.
        """
        if min(batch, *shape) < 1:
            raise ShapeError("a heatmap plan needs maps and images", got=f"{batch} of {shape}")
        check_refinement(refine, kernel)
        self._shape = shape
        self._refine = _REFINE[refine]
        taps = blur_taps(kernel)
        self._kernel, self._taps = len(taps), session.upload(taps)
        self.joints = session.empty((batch, shape[0], 3), "float32")
        loaded = session.kernels(SOURCE)
        self._kernels = {
            "float32": loaded.function("heatmap_joints_f32", "PiiiPiP"),
            "float16": loaded.function("heatmap_joints_f16", "PiiiPiP"),
        }

    def enqueue(self, stream: Stream, maps: DeviceArray) -> None:
        """Launch on maps (N, J, h, w), float32 or float16."""
        _, height, width = self._shape
        blocks = (math.prod(self.joints.shape[:2]),)
        form = (height, width, self._refine, self._taps, self._kernel, self.joints)
        self._kernels[str(maps.dtype)].launch(stream, blocks, (_THREADS,), maps, *form)

    def close(self) -> None:
        """Free the output and the weights."""
        self.joints.free()
        self._taps.free()
