"""CUDA twin of sample_descriptors: one kernel, a block of 128 threads a keypoint.

Not run on a GPU yet: executed on the CPU by the emulator of tests/cuda_emulator.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.errors import ShapeError
from edgecv.ops.sample_descriptors import Grid, cell_rule

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("sample_descriptors.cu")
SOURCES = (SOURCE,)
_THREADS = 128


class SampleDescriptorsPlan:
    """Unit descriptors at points: `edgecv.ops.sample_descriptors` on the device.

    Attributes:
        descriptors: (B, k, D) float32; zeros beyond the count.
    """

    def __init__(
        self,
        session: Session,
        *,
        shape: tuple[int, int, int, int],
        k: int,
        stride: float,
        grid: Grid = "superglue",
    ) -> None:
        """Allocate for maps of `shape` (B, D, h, w) and `k` points a picture.

        Raises:
            ShapeError: a size below 1.
            UsageError: as the CPU twin.
        """
        if min(k, *shape) < 1:
            raise ShapeError("a plan of descriptors needs maps and points", got=shape, k=k)
        batch, depth, height, width = shape
        self._form, self._k, self._grid = (depth, height, width), k, (k, batch)
        self._rule = session.upload(cell_rule(grid, stride, (height, width)))
        self.descriptors = session.empty((batch, k, depth), "float32")
        loaded = session.kernels(SOURCE)
        self._kernels = {
            "float32": loaded.function("sample_descriptors_f32", "PiiiPPiPP"),
            "float16": loaded.function("sample_descriptors_f16", "PiiiPPiPP"),
        }

    def enqueue(
        self, stream: Stream, maps: DeviceArray, points: DeviceArray, count: DeviceArray | None
    ) -> None:
        """Launch.

        Args:
            stream: Where.
            maps: (B, D, h, w) float32 or float16.
            points: (B, k, 2) float32, as the CPU twin takes them.
            count: (B,) int32, how many of the points are real; None: all.
        """
        kernel, real = self._kernels[str(maps.dtype)], 0 if count is None else count
        out = (points, real, self._k, self._rule, self.descriptors)
        kernel.launch(stream, self._grid, (_THREADS,), maps, *self._form, *out)

    def close(self) -> None:
        """Free the output and the rule."""
        self.descriptors.free()
        self._rule.free()
