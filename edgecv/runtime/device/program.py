"""What runs for one frame: one CUDA graph where it can be captured, else graph | engine | graph.

A program is segments of work in stream order, each captured or enqueued anew. Its timed form keeps
letterbox, engine and decoder apart and records an event between them: inside one graph nothing can
be timed without changing it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from edgecv.cuda.session import Session
from edgecv.cuda.stream import Event, Stream

NO_GRAPH = "EDGECV_NO_GRAPH"  # set to 1: everything is enqueued anew for every frame

Step = Callable[[], None]


class Segment(NamedTuple):
    """Work that belongs together, and whether a graph is made of it."""

    steps: tuple[Step, ...]
    captured: bool


class Parts(NamedTuple):
    """The work of one frame on a lane; each part was enqueued at least once before it is captured.

    `capturable`: whether the engine may be part of a graph.
    `graphs`: whether anything is captured at all.
    """

    before: tuple[Step, ...]
    engine: Step
    after: tuple[Step, ...]
    capturable: bool
    graphs: bool = True


def graphs_wanted() -> bool:
    """Whether frames are captured by default; `EDGECV_NO_GRAPH=1` says no, to debug or compare."""
    return os.environ.get(NO_GRAPH) != "1"


def frame_segments(parts: Parts) -> tuple[Segment, ...]:
    """As few segments as possible: one graph, or graphs around an engine that takes none."""
    if not parts.graphs or parts.capturable:
        return (Segment((*parts.before, parts.engine, *parts.after), parts.graphs),)
    return tuple(segment for segment in timed_segments(parts) if segment.steps)


def timed_segments(parts: Parts) -> tuple[Segment, ...]:
    """Three segments, so that each can be timed."""
    return (
        Segment(parts.before, parts.graphs),
        Segment((parts.engine,), parts.graphs and parts.capturable),
        Segment(parts.after, parts.graphs),
    )


class Program:
    """Segments of work on one stream. Every method is called inside `session.current()`."""

    def __init__(self, session: Session, stream: Stream, segments: Sequence[Segment]) -> None:
        """Capture what is to be captured.

        Raises:
            MachineError: a segment cannot be captured, or nothing was recorded.
        """
        self._stream = stream
        self._graphs = []
        self._launches: list[Step] = []
        try:
            for segment in segments:
                if segment.captured:
                    graph = session.graph(stream, lambda steps=segment.steps: _run(steps))  # type: ignore[misc]
                    self._graphs.append(graph)
                    self._launches.append(lambda graph=graph: graph.launch(stream))  # type: ignore[misc]
                else:
                    self._launches.append(lambda steps=segment.steps: _run(steps))  # type: ignore[misc]
        except BaseException:
            self.close()
            raise

    @property
    def graphs(self) -> int:
        """How many CUDA graphs a run launches."""
        return len(self._graphs)

    def run(self) -> None:
        """Enqueue everything once."""
        _run(self._launches)

    def run_timed(self, events: Sequence[Event]) -> None:
        """Enqueue everything once, with an event before each segment and one after the last.

        Args:
            events: One more than there are segments.
        """
        events[0].record(self._stream)
        for launch, event in zip(self._launches, events[1:], strict=True):
            launch()
            event.record(self._stream)

    def close(self) -> None:
        """Destroy the graphs."""
        self._launches.clear()
        while self._graphs:
            self._graphs.pop().close()


def _run(steps: Sequence[Step]) -> None:
    for step in steps:
        step()
