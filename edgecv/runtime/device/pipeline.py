"""Frames in flight: a bounded ring of slots over one or more lanes.

With one slot this is the closed loop: copy, compute, wait, collect. With more (`widen`), the next
frame is copied while the last one computes, and results come back in the order frames came.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from queue import Queue
from time import perf_counter
from typing import Any, NamedTuple

import numpy.typing as npt

from edgecv.cuda.session import Session
from edgecv.engines.trt_run import TensorRtEngine
from edgecv.errors import EdgecvError, MachineError, ShapeError
from edgecv.head import Head
from edgecv.results import Results
from edgecv.runtime.device.frame import Frame, stage
from edgecv.runtime.device.lane import Lane
from edgecv.runtime.device.placing import read_in_place
from edgecv.runtime.device.slot import Slot
from edgecv.runtime.parts import Part
from edgecv.runtime.preprocess import Geometry, Preprocessor

Array = npt.NDArray[Any]


class Ticket(NamedTuple):
    """A batch in flight: hand it back to `collect`."""

    lane: Lane
    slot: Slot


class DevicePipeline:
    """Frames through letterbox, engine and decoder on the GPU.

    Threads may call at once: each takes a free slot, or waits for one.

    Attributes:
        batch: Frames a run takes at most.
    """

    def __init__(
        self,
        engine: TensorRtEngine,
        preprocess: Preprocessor,
        head: Head,
        *,
        batch: int = 0,
        contexts: int = 1,
        graphs: bool = True,
    ) -> None:
        """Allocate lanes, each with one slot; graphs are captured when the first frame comes.

        Args:
            engine: The plan; it must outlive the pipeline.
            preprocess: How a frame becomes the network's input.
            head: How outputs become results.
            batch: Batch size of a dynamic engine; 0: its largest.
            contexts: Frames that compute at once; each costs an execution context's memory.
            graphs: Whether a frame's work is captured into a CUDA graph.

        Raises:
            MachineError: no memory.
            UnsupportedModel: the engine's input or outputs are not a head's.
        """
        self._session: Session = engine.session
        self._preprocess = preprocess
        self._broken: EdgecvError | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._lanes: list[Lane] = []
        self._slots: list[Slot] = []
        self._free: Queue[Ticket] = Queue()
        with self._session.current():
            self._in_place = read_in_place(self._session)
            for _ in range(contexts):
                self._lanes.append(Lane(engine, preprocess, head, batch=batch, graphs=graphs))
        self.batch, self._per_lane = self._lanes[0].batch, 0
        self.widen(1)

    @property
    def depth(self) -> int:
        """How many batches are in flight at most."""
        return len(self._slots)

    def widen(self, slots: int) -> None:
        """Let every context have `slots` batches in flight; never fewer than before.

        One slot gives the least latency; with two, the next frame is copied while one computes.
        """
        with self._lock, self._session.current():
            while self._per_lane < slots:
                for lane in self._lanes:
                    if self._per_lane:
                        lane.overlap()
                    self._free.put(Ticket(lane, self._slot(lane)))
                self._per_lane += 1

    def attach(self, parts: Mapping[str, Part], *, graphs: bool = True) -> None:
        """Put a head's later stages behind its decoder, on each lane's stream; see `device.rcnn`.

        Args:
            parts: Plans; they must outlive the pipeline.
            graphs: Whether their work is captured.
        """
        with self._session.current():
            for lane in self._lanes:
                decoder: Any = lane.decoder
                decoder.attach(parts, lane.stream, graphs=graphs)

    def __call__(self, frames: Sequence[Frame]) -> list[Results]:
        """Results of 1 to `batch` frames."""
        return self.collect(self.submit(frames))

    def submit(self, frames: Sequence[Frame]) -> Ticket:
        """Copy frames and enqueue their work; waits while `depth` batches are in flight.

        What a thread hands in without collecting must stay below `depth`.

        Raises:
            ShapeError: not a picture, none, or more than `batch`.
            MachineError: a CUDA call failed.
        """
        ticket = self._taken(frames)
        try:
            with self._session.current():
                self._stage(ticket, frames)
                ticket.lane.run(ticket.slot)
        except BaseException as err:
            self._give_back(ticket, err)
            raise
        return ticket

    def collect(self, ticket: Ticket) -> list[Results]:
        """Wait for a batch, once, and return its results.

        Raises:
            MachineError: a CUDA call failed, now or in work given before.
        """
        failure: BaseException | None = None
        lane, slot = ticket
        try:
            with self._session.current():
                slot.done.synchronize()
            # results must survive the slot's next run
            host = {name: array.copy() for name, array in slot.results.items()}
            return lane.decoder.collect(host, slot.geometries)
        except BaseException as err:
            failure = err
            raise
        finally:
            self._give_back(ticket, failure)

    def stream(self, frames: Iterable[Frame]) -> Iterator[list[Results]]:
        """Results of batch after batch, in order, with up to `depth` of them in flight.

        Raises:
            ShapeError, MachineError: as `submit`; what was in flight before is lost.
        """
        flying: list[Ticket] = []
        coming = iter(frames)
        try:
            while part := list(islice(coming, self.batch)):
                if len(flying) == self.depth:
                    yield self.collect(flying.pop(0))
                flying.append(self.submit(part))
            while flying:
                yield self.collect(flying.pop(0))
        finally:
            for ticket in flying:
                with suppress(EdgecvError):
                    self.collect(ticket)

    def timed(self, frames: Sequence[Frame]) -> tuple[list[Results], dict[str, float]]:
        """Results of a batch, and milliseconds of its steps.

        Letterbox, engine and decoder run as three parts instead of one graph here, so that events
        can be recorded between them.

        Returns:
            The results, and {"stage_ms" (host: into pinned memory), "copy_ms", "letterbox_ms",
            "engine_ms", "decode_ms" (device), "collect_ms" (host)}.
        """
        ticket = self._taken(frames)
        try:
            with self._session.current():
                began = perf_counter()
                self._stage(ticket, frames)
                staged = perf_counter()
                spans = ticket.lane.run_timed(ticket.slot)
            ready = perf_counter()
            host = {name: array.copy() for name, array in ticket.slot.results.items()}
            results = ticket.lane.decoder.collect(host, ticket.slot.geometries)
        except BaseException as err:
            self._give_back(ticket, err)
            raise
        self._give_back(ticket, None)
        own = {"stage_ms": (staged - began) * 1e3, "collect_ms": (perf_counter() - ready) * 1e3}
        return results, {**spans, **own}

    def raw(self, frames: Sequence[Frame]) -> tuple[dict[str, Array], list[Geometry]]:
        """The engine's outputs for a batch, and where each frame lay in its input."""
        ticket = self._taken(frames)
        try:
            with self._session.current():
                self._stage(ticket, frames)
                outputs = ticket.lane.run_raw(ticket.slot)
            geometries = list(ticket.slot.geometries)
        except BaseException as err:
            self._give_back(ticket, err)
            raise
        self._give_back(ticket, None)
        return outputs, geometries

    def engine_ms(self, runs: int) -> list[float]:
        """Milliseconds of the engine alone, `runs` times, by events on the device."""
        with self._session.current():
            return self._lanes[0].engine_ms(runs)

    def close(self) -> None:
        """Free everything; a device that failed is left as it is."""
        if self._closed:
            return
        self._closed = True
        with suppress(MachineError), self._session.current():
            for lane in self._lanes:
                lane.stream.synchronize()
            for slot in self._slots:
                slot.close()
            for lane in self._lanes:
                lane.close()

    def _slot(self, lane: Lane) -> Slot:
        slot = Slot(self._session, lane.decoder.results, batch=lane.batch, in_place=self._in_place)
        self._slots.append(slot)
        return slot

    def _taken(self, frames: Sequence[Frame]) -> Ticket:
        if self._closed:
            raise MachineError("the model was closed")
        if self._broken is not None:
            raise MachineError(
                "the GPU failed before, and its context is lost",
                failure=self._broken.what,
                fix="close the model and load it again; if that fails too, restart the process",
            ) from self._broken
        if not 1 <= len(frames) <= self.batch:
            raise ShapeError(
                "a batch must have 1 to max-batch images", got=len(frames), max_batch=self.batch
            )
        return self._free.get()

    def _give_back(self, ticket: Ticket, failure: BaseException | None) -> None:
        if isinstance(failure, MachineError):
            self._broken = failure  # CUDA's errors stick to the context: nothing works after one
        self._free.put(ticket)

    def _stage(self, ticket: Ticket, frames: Sequence[Frame]) -> None:
        stage(self._session, self._preprocess, ticket.lane, ticket.slot, frames)
