"""CUDA twin of topk: a plan that selects and sorts without leaving the device."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgecv.errors import ShapeError
from edgecv.ops._op import SUFFIX

if TYPE_CHECKING:
    from edgecv.cuda.kernels import Kernels
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("topk.cu")

ONE_BLOCK = 4096  # SELECT_MOST: sorted in the shared memory of one block
_BINS, _PASSES, _DIGITS = 2048, 3, 256
_TILE, _WARPS, _RADIX_TILE = 512, 8, 1024
_THREADS = 256
_LARGEST = 2**31 - 1


class Selection:
    """The k best candidates of each row, chosen by kernels that share edgecv/select.cuh.

    The kernels `<prefix>_small`, `_histogram`, `_count` and `_scatter`, each `_f32` and `_f16`,
    know what a candidate is; their first arguments are the source's, of type codes `source`.

    Attributes:
        index: (B, k) int32, best first, ties by lower index; -1 beyond `kept`.
        value: (B, k) float32 scores as compared: NaN is -inf, -0.0 is 0.0; -inf beyond `kept`.
        kept: (B,) int32, how many of the k are real.
        total: (B,) int32, how many candidates there were.
        threshold: (1,) float32, read by the kernels: upload another one between two frames. A
            lower score is no candidate, NaN never is. The threshold NaN means that all scores
            are candidates, NaN among them as -inf.
    """

    def __init__(
        self,
        session: Session,
        own: tuple[str, Kernels, str],
        shape: tuple[int, int, int],
        threshold: float,
    ) -> None:
        """Allocate for `shape` = rows, scores in a row, scores kept at most."""
        self._rows, self._n, self._k = rows, n, k = shape
        self._small = n <= ONE_BLOCK
        self._session = session
        self.threshold = session.upload(np.array([threshold], np.float32))
        self._arrays = [self.threshold]
        self.index = self._zeros((rows, k), "int32")
        self.value = self._zeros((rows, k), "float32")
        self.kept = self._zeros((rows,), "int32")
        self.total = self._zeros((rows,), "int32")
        self._load(*own)
        if not self._small:
            self._workspace()

    def _zeros(self, shape: tuple[int, ...], dtype: str) -> DeviceArray:
        array = self._session.zeros(shape, dtype)
        self._arrays.append(array)
        return array

    def _load(self, prefix: str, kernels: Kernels, source: str) -> None:
        tails = {"histogram": "PPiiPPPP", "count": "PPiPPPPP", "scatter": "PPiPPPPP"}
        tails = {"small": "PPiPPPP"} if self._small else tails
        self._steps = {
            step + suffix: kernels.function(f"{prefix}_{step}{suffix}", source + tail)
            for step, tail in tails.items()
            for suffix in SUFFIX.values()
        }
        order = self._session.kernels(SOURCE)
        self._sort = order.function("topk_sort", "PPPiPP")
        self._radix_count = order.function("topk_radix_count", "PPiiP")
        self._radix_offsets = order.function("topk_radix_offsets", "iP")
        self._radix_scatter = order.function("topk_radix_scatter", "PPPiiPPP")
        self._write = order.function("topk_write", "PPPiPP")

    def _workspace(self) -> None:
        rows, k = self._rows, self._k
        self._tiles = math.ceil(self._n / _TILE)
        self._bins = self._zeros((rows, _PASSES, _BINS), "int32")  # zeroed again by scatter
        self._states = self._zeros((rows, _PASSES, 4), "int32")
        self._counts = self._zeros((rows, self._tiles, 2), "int32")
        copies = 2 if k > ONE_BLOCK else 1
        self._keys = [self._zeros((rows, k), "uint32") for _ in range(copies)]
        self._chosen = [self._zeros((rows, k), "int32") for _ in range(copies)]
        if k > ONE_BLOCK:
            self._radix_tiles = math.ceil(k / _RADIX_TILE)
            self._digits = self._zeros((rows, self._radix_tiles, _DIGITS), "int32")

    def enqueue(
        self, stream: Stream, dtype: str, source: tuple[Any, ...], count: DeviceArray | None
    ) -> None:
        """Launch; `source` are the kernels' first arguments, for tensors of `dtype`."""
        suffix = SUFFIX[dtype]
        common = (*source, 0 if count is None else count, self.threshold, self._k)
        totals = (self.kept, self.total)
        if self._small:
            width = min(1024, max(32, 1 << (self._n - 1).bit_length()))
            step = self._steps["small" + suffix]
            step.launch(stream, (1, self._rows), (width,), *common, self.index, self.value, *totals)
            return
        grid, block = (math.ceil(self._tiles / _WARPS), self._rows), (_THREADS,)
        for number in range(_PASSES):
            self._steps["histogram" + suffix].launch(
                stream, grid, block, *common, number, self._bins, self._states, *totals
            )
        found = (self._bins, self._states, self._counts)
        self._steps["count" + suffix].launch(stream, grid, block, *common, *found, *totals)
        chosen = (self._keys[0], self._chosen[0])
        self._steps["scatter" + suffix].launch(stream, grid, block, *common, *found, *chosen)
        if self._k > ONE_BLOCK:
            self._radix(stream)
        else:
            out = (*chosen, self.kept, self._k, self.index, self.value)
            self._sort.launch(stream, (1, self._rows), (1024,), *out)

    def _radix(self, stream: Stream) -> None:
        """Sort what was chosen, which lies in rising order of index: stable, by key alone."""
        grid, block = (self._radix_tiles, self._rows), (_RADIX_TILE,)
        for number in range(4):
            here, there = number % 2, 1 - number % 2
            keys, chosen, shift = self._keys[here], self._chosen[here], 8 * number
            at = (self.kept, self._k, shift, self._digits)
            self._radix_count.launch(stream, grid, block, keys, *at)
            self._radix_offsets.launch(
                stream, (1, self._rows), (_DIGITS,), self._radix_tiles, self._digits
            )
            out = (self._keys[there], self._chosen[there])
            self._radix_scatter.launch(stream, grid, block, keys, chosen, *at, *out)
        grid = (math.ceil(self._k / _THREADS), self._rows)
        found = (self._keys[0], self._chosen[0], self.kept, self._k, self.index, self.value)
        self._write.launch(stream, grid, (_THREADS,), *found)

    def close(self) -> None:
        """Free the outputs and the workspace."""
        for array in self._arrays:
            array.free()
        self._arrays.clear()


class TopKPlan:
    """The k best scores of each row: `edgecv.ops.topk` on the device.

    Up to 4096 scores take one launch. Longer rows take a radix select (three histograms, a count
    and a scatter) and a sort: one block for k <= 4096, else radix passes (validation).

    Attributes:
        index, value, kept, total, threshold: See `Selection`.
    """

    def __init__(
        self,
        session: Session,
        *,
        batch: int,
        n: int,
        k: int,
        threshold: float | None = None,
        within: tuple[int, int] | None = None,
    ) -> None:
        """Allocate for `batch` rows of `n` scores; call inside `session.current()`.

        Args:
            session: The device.
            batch: Rows.
            n: Scores in a row.
            k: How many are kept at most.
            threshold: Only scores that reach it; None takes all, NaN as -inf.
            within: Where the rows lie in a larger tensor: elements before the first row, and from
                one row to the next. None: the tensor is (batch, n).

        Raises:
            ShapeError: a size below 1, or rows longer than a 32-bit index.
        """
        if min(batch, n, k) < 1 or n > _LARGEST:
            raise ShapeError("a top-k plan needs batch, n and k >= 1", batch=batch, n=n, k=k)
        self._layout = (*(within or (0, n)), n)
        own = ("topk", session.kernels(SOURCE), "Piii")
        limit = math.nan if threshold is None else threshold
        found = self._selection = Selection(session, own, (batch, n, k), limit)
        self.index, self.value, self.kept = found.index, found.value, found.kept
        self.total, self.threshold = found.total, found.threshold

    def enqueue(
        self, stream: Stream, values: DeviceArray, count: DeviceArray | None = None
    ) -> None:
        """Launch.

        Args:
            stream: Where.
            values: (B, n) float32 or float16, or the larger tensor of `within`.
            count: (B,) int32, how many scores of each row are real; None: all.
        """
        self._selection.enqueue(stream, str(values.dtype), (values, *self._layout), count)

    def close(self) -> None:
        """Free the outputs and the workspace."""
        self._selection.close()
