"""A later stage of a cascade, prepared for several numbers of rows: the smallest that fits runs.

At a fixed capacity a mask head computes 100 boxes for 3 objects. So a stage is made for a few
sizes, each with its own execution context, its own outputs and, from its second run on, its own
CUDA graph. What is chosen depends on a count that the host has read: four bytes a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from edgecv.cuda.graph import Graph
from edgecv.cuda.session import Session
from edgecv.cuda.stream import Stream
from edgecv.errors import MachineError
from edgecv.progress import note

ROIS = (50, 100, 300, 1000)
MASKS = (8, 25, 50, 100)


class Stage(Protocol):
    """What a bucket holds."""

    def enqueue(self, stream: Stream) -> None:
        """Launch; no allocation, no synchronisation."""
        ...

    def close(self) -> None:
        """Free what it allocated."""
        ...


S = TypeVar("S", bound=Stage)


def bucket_sizes(wanted: Sequence[int], batch: tuple[int, int, int], most: int) -> tuple[int, ...]:
    """Rising sizes an engine of (min, opt, max) `batch` takes, the last enough for `most` rows.

    Sizes below the engine's smallest become it; where the engine takes fewer than `most`, its
    largest is the last, and what is beyond is dropped and counted.

    >>> bucket_sizes((50, 100, 300, 1000), (1, 100, 1000), 200)
    (50, 100, 200)
    """
    least, _, largest = batch
    top = max(least, min(most, largest))
    return tuple(sorted({min(max(size, least), top) for size in wanted} | {top}))


class Buckets(Generic[S]):
    """The same stage in several sizes, on one stream. Used inside `session.current()`.

    Attributes:
        sizes: Rows each bucket takes, rising.
        graphs: Whether buckets are captured.
    """

    def __init__(
        self,
        session: Session,
        stream: Stream,
        sizes: Sequence[int],
        make: Callable[[int], S],
        *,
        graphs: bool = True,
    ) -> None:
        """Make a stage of every size; nothing runs yet."""
        self._session, self._stream = session, stream
        self.sizes, self.graphs = tuple(sizes), graphs
        self._stages: dict[int, S] = {}
        self._warm: set[int] = set()
        self._captured: dict[int, Graph | None] = {}
        try:
            for size in self.sizes:
                self._stages[size] = make(size)
        except BaseException:
            self.close()
            raise

    def size_for(self, count: int) -> int:
        """The smallest size that holds `count` rows; the largest there is if none does."""
        return next((size for size in self.sizes if size >= count), self.sizes[-1])

    def dropped(self, count: int) -> int:
        """How many of `count` rows no bucket holds."""
        return max(0, count - self.sizes[-1])

    def run(self, count: int) -> S | None:
        """Enqueue the bucket for `count` rows; None, and no work, if there are none."""
        if count < 1:
            return None
        size = self.size_for(count)
        stage = self._stages[size]
        if size not in self._warm or not self.graphs:  # TensorRT allocates, kernels are loaded
            stage.enqueue(self._stream)
            self._warm.add(size)
            return stage
        if size not in self._captured:
            self._captured[size] = self._capture(stage)
        graph = self._captured[size]
        if graph is None:
            stage.enqueue(self._stream)
        else:
            graph.launch(self._stream)
        return stage

    def close(self) -> None:
        """Free graphs and stages; the stream has no work of theirs left."""
        for graph in self._captured.values():
            if graph is not None:
                graph.close()
        self._captured.clear()
        for stage in self._stages.values():
            stage.close()
        self._stages.clear()

    def _capture(self, stage: S) -> Graph | None:
        """The stage's graph; None where its engine cannot be captured: it then runs eagerly."""
        try:
            return self._session.graph(self._stream, lambda: stage.enqueue(self._stream))
        except MachineError as err:
            note(f"a later stage stays outside CUDA graphs: {err.facts.get('reason', err.what)}")
            with suppress(MachineError):
                self._stream.synchronize()
            return None
