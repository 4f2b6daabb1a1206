"""CUDA twin of soft_argmax: one kernel, a warp a map.

Not run on a GPU yet: executed on the CPU by the emulator of tests/cuda_emulator.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.errors import ShapeError
from edgecv.ops.soft_argmax import MAX_DIMENSIONS, check_beta

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("soft_argmax.cu")
SOURCES = (SOURCE,)
_WARPS = 4  # a block


class SoftArgmaxPlan:
    """The mean place of each map: `edgecv.ops.soft_argmax` on the device.

    Attributes:
        joints: (N, J, D + 1) float32: x, or x, y, or x, y, z in cells, then the score.
    """

    def __init__(
        self, session: Session, *, batch: int, shape: tuple[int, ...], beta: float = 1.0
    ) -> None:
        """Allocate for `batch` images of maps of `shape` (J, [[d,] h,] w), inside `current()`.

        Raises:
            ShapeError: a size below 1, another rank, or beta is not positive.
        """
        sides = shape[1:]
        if not 1 <= len(sides) <= MAX_DIMENSIONS or min(batch, *shape) < 1:
            raise ShapeError("a soft-argmax plan needs maps of 1 to 3 sides", got=f"{shape}")
        check_beta(beta)
        self._count, self._beta = batch * shape[0], beta
        whole: tuple[int, ...] = (len(sides), *(*sides[::-1], 1, 1)[:MAX_DIMENSIONS])
        self._sides = whole  # dimensions, width, height, depth
        self.joints = session.empty((batch, shape[0], len(sides) + 1), "float32")
        loaded = session.kernels(SOURCE)
        self._kernels = {
            "float32": loaded.function("soft_argmax_places_f32", "PiiiiifP"),
            "float16": loaded.function("soft_argmax_places_f16", "PiiiiifP"),
        }

    def enqueue(self, stream: Stream, maps: DeviceArray) -> None:
        """Launch on maps (N, J, [[d,] h,] w), float32 or float16."""
        grid = (-(-self._count // _WARPS),)
        kernel = self._kernels[str(maps.dtype)]
        sizes = (self._count, *self._sides)
        kernel.launch(stream, grid, (32 * _WARPS,), maps, *sizes, self._beta, self.joints)

    def close(self) -> None:
        """Free the output."""
        self.joints.free()
