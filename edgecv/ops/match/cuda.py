"""CUDA twin of match: tiles of dot products with running nearest, then one ordered compaction.

Not run on a GPU yet: executed on the CPU by the emulator of tests/cuda_emulator.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecv.errors import ShapeError
from edgecv.ops.match import NO_LIMITS, Limits, check_depth

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("match.cu")
SOURCES = (SOURCE,)
MOST = 4096  # descriptors of a picture
_TILE, _THREADS, _FINISH = 64, 256, 1024
_SHARES = 8  # of the columns: 2000 rows alone would be 32 blocks


class MatchPlan:
    """Mutual nearest neighbours of picture pairs: `edgecv.ops.match` on the device.

    Attributes:
        pairs: (B, n, 2) int32 rows of first and second, by rising row of first; -1 beyond `count`.
        distances: (B, n) float32; 0 beyond `count`.
        count: (B,) int32.
        limits: (2,) float32, the squares of ratio and farthest, inf for none, read by the kernels:
            upload others between two frames.
    """

    def __init__(
        self,
        session: Session,
        *,
        batch: int,
        shape: tuple[int, int, int],
        limits: Limits = NO_LIMITS,
    ) -> None:
        """Allocate for `batch` pairs of up to n and m descriptors; `shape` is (n, m, D).

        Raises:
            ShapeError: a size below 1 or too large.
            UsageError: a limit has no meaning.
        """
        n, m, depth = shape
        if min(batch, *shape) < 1 or max(n, m) > MOST:
            raise ShapeError(f"a match plan needs 1 to {MOST} descriptors", got=shape, batch=batch)
        check_depth(depth)
        self._batch, self._n, self._m, self._depth = batch, n, m, depth
        self._shares = min(_SHARES, math.ceil(m / _TILE))
        self.limits = session.upload(np.array(limits.squares(), np.float32))
        self._partial = session.empty((batch, self._shares, n, 2), "uint64")
        self._columns = session.zeros((batch, m), "uint64")  # zeroed again by match_finish
        self.pairs = session.empty((batch, n, 2), "int32")
        self.distances = session.empty((batch, n), "float32")
        self.count = session.zeros((batch,), "int32")
        loaded = session.kernels(SOURCE)
        self._tiles = {
            "float32": loaded.function("match_tiles_f32", "PPiPPiiPP"),
            "float16": loaded.function("match_tiles_f16", "PPiPPiiPP"),
        }
        self._finish = loaded.function("match_finish", "PiPiiPPPPP")

    def enqueue(
        self,
        stream: Stream,
        first: DeviceArray,
        second: DeviceArray,
        counts: tuple[DeviceArray | None, DeviceArray | None] = (None, None),
    ) -> None:
        """Launch.

        Args:
            stream: Where.
            first: (B, n, D) float32 or float16.
            second: (B, m, D) of the same type.
            counts: (B,) int32 each, how many rows are real; None: all.
        """
        few, many = (0 if count is None else count for count in counts)
        grid = (math.ceil(self._n / _TILE), self._shares, self._batch)
        sides = (first, few, self._n, second, many, self._m, self._depth)
        tiles = self._tiles[str(first.dtype)]
        tiles.launch(stream, grid, (_THREADS,), *sides, self._partial, self._columns)
        known = (self._partial, self._shares, few, self._n, self._m, self.limits, self._columns)
        out = (self.pairs, self.distances, self.count)
        self._finish.launch(stream, (1, 1, self._batch), (_FINISH,), *known, *out)

    def close(self) -> None:
        """Free the outputs and the workspace."""
        arrays = (self.pairs, self.distances, self.count, self.limits)
        for array in (*arrays, self._partial, self._columns):
            array.free()
