"""A lane: one stream with one execution context, and all that runs on it for a frame.

The context's scratch, the network's tensors and the decoder are the lane's, so frames on one lane
compute one after another, by construction; slots only let the next frame be copied meanwhile. More
frames at once need more lanes, each with a context's memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy.typing as npt

from edgecv.cuda.memory import DeviceArray
from edgecv.engines.trt_run import TensorRtEngine
from edgecv.errors import MachineError
from edgecv.head import Head
from edgecv.ops.letterbox.cuda import LetterboxPlan, Output
from edgecv.ops.refine.cuda import Seen
from edgecv.progress import note
from edgecv.runtime.device.decoders import enqueue, make_decoder
from edgecv.runtime.device.program import Parts, Program, Segment, frame_segments, timed_segments
from edgecv.runtime.device.slot import Slot
from edgecv.runtime.preprocess import Preprocessor

Array = npt.NDArray[Any]
LARGEST = (2160, 3840)  # of a frame, height and width, before a larger one came


class Lane:
    """A stream, an execution context, letterbox and decoder. Used inside `session.current()`.

    Attributes:
        lock: Held while work is enqueued: the order on a stream is one thread's.
        stream: Where everything computes.
        copies: Where frames are copied: the same stream, or its own once `overlap` was called.
        tensors: The engine's inputs and outputs on the device.
        decoder: Turns outputs into results there.
        batch: Frames a run takes.
    """

    def __init__(
        self,
        engine: TensorRtEngine,
        preprocess: Preprocessor,
        head: Head,
        *,
        batch: int = 0,
        graphs: bool = True,
    ) -> None:
        """Allocate; nothing runs yet.

        Args:
            engine: The plan.
            preprocess: How a frame becomes the network's input.
            head: How outputs become results.
            batch: Batch size of a dynamic engine; 0: its largest.
            graphs: Whether work is captured.
        """
        session = engine.session
        self.lock, self._session, self._preprocess = threading.Lock(), session, preprocess
        self.stream = session.stream()
        self.copies = self.stream
        self._context = engine.context(batch=batch)
        self._capturable, self._graphs = True, graphs
        tensors = (*self._context.inputs, *self._context.outputs)
        self._input = self._context.inputs[0]  # Model has seen to it that there is one
        self.batch = self._input.shape[0]
        self.tensors: dict[str, DeviceArray] = {
            tensor.name: session.empty(tensor.shape, tensor.dtype) for tensor in tensors
        }
        self._context.bind(self.tensors)
        self._largest, self._plan_number = LARGEST, 0
        self.letterbox = self._letterbox()
        outputs = {tensor.name: self.tensors[tensor.name] for tensor in self._context.outputs}
        self._head, size = head, preprocess.spec.size
        seen = Seen(self.tensors[self._input.name], preprocess.spec.mean, preprocess.spec.std)
        self.decoder = make_decoder(
            session, head, outputs, batch=self.batch, input_size=size, seen=seen
        )
        self._warm = False
        self._events = [session.event() for _ in range(5)]

    def overlap(self) -> None:
        """Copy frames on a stream of its own from now on, while the last frame computes."""
        with self.lock:
            if self.copies is self.stream:
                self.copies = self._session.stream()

    def make_room(self, sizes: Sequence[tuple[int, int]]) -> None:
        """A larger letterbox plan if a frame of `sizes` (height, width) needs one."""
        largest = tuple(max(side) for side in zip(self._largest, *sizes, strict=True))
        if largest == self._largest:
            return
        with self.lock:
            self.stream.synchronize()  # the old plan may be in flight
            self.letterbox.close()
            self._largest = (largest[0], largest[1])
            self.letterbox = self._letterbox()
            self._plan_number += 1

    def run(self, slot: Slot) -> None:
        """Copy, compute, copy back: enqueued, not waited for."""
        with self.lock:
            self._enqueue(slot)

    def run_timed(self, slot: Slot) -> dict[str, float]:
        """Run and wait; milliseconds on the device of copy, letterbox, engine and decoder."""
        with self.lock:
            self._ready(slot)
            if slot.timed is None:
                slot.timed = self._program(timed_segments(self._parts(slot)))
            events = self._events
            events[0].record(self.stream)
            slot.upload(self.stream)
            slot.timed.run_timed(events[1:])
            events[-1].synchronize()
            pairs = pairwise(events)
            names = ("copy_ms", "letterbox_ms", "engine_ms", "decode_ms")
            spans = [later.ms_since(earlier) for earlier, later in pairs]
            return dict(zip(names, spans, strict=True))

    def run_raw(self, slot: Slot) -> dict[str, Array]:
        """Run and wait; the engine's outputs on the host."""
        with self.lock:  # another thread's frame would overwrite the outputs
            self._enqueue(slot)
            slot.done.synchronize()
            outputs = {tensor.name for tensor in self._context.outputs}
            return {name: self._session.download(self.tensors[name]) for name in sorted(outputs)}

    def engine_ms(self, runs: int) -> list[float]:
        """Milliseconds of the engine alone, `runs` times, by events on the device."""
        with self.lock:
            if not self._warm:  # what a context allocates when it first runs cannot be captured
                self._context.enqueue(self.stream)
                self.stream.synchronize()
                self._capturable = self._context.capturable(self.stream)
            program = self._captured(self._engine_alone)
            first, last = self._events[:2]
            spans = []
            for _ in range(runs):
                first.record(self.stream)
                program.run()
                last.record(self.stream)
                last.synchronize()
                spans.append(last.ms_since(first))
            program.close()
            return spans

    def close(self) -> None:
        """Free everything; its slots were closed before."""
        self.decoder.close()
        self.letterbox.close()
        self._context.close()
        for array in self.tensors.values():
            array.free()

    def _enqueue(self, slot: Slot) -> None:
        program = self._ready(slot)
        slot.upload(self.copies)
        if self.copies is not self.stream:
            slot.uploaded.record(self.copies)
            self.stream.wait(slot.uploaded)
        program.run()
        slot.done.record(self.stream)

    def _ready(self, slot: Slot) -> Program:
        """The slot's program, captured if there is none for the present buffers."""
        if slot.plan != self._plan_number:
            slot.forget_programs()
            slot.plan = self._plan_number
        if not self._warm:
            self._warm_up(slot)
        if slot.program is None:
            slot.program = self._captured(lambda: self._parts(slot))
        return slot.program

    def _warm_up(self, slot: Slot) -> None:
        """Once before anything is captured: TensorRT allocates, the driver loads kernels."""
        slot.upload(self.stream)
        parts = self._parts(slot)
        for step in (*parts.before, parts.engine, *parts.after):
            step()
        self.stream.synchronize()
        self._capturable = self._context.capturable(self.stream)
        self._warm = True

    def _captured(self, parts: Callable[[], Parts]) -> Program:
        """One graph of these parts, or graphs around an engine that takes none."""
        try:
            return self._program(frame_segments(parts()))
        except MachineError as err:
            if not (self._capturable and self._graphs):
                raise
            note(f"the engine stays outside the CUDA graph: {err.facts.get('reason', err.what)}")
            self._capturable = False
            return self._program(frame_segments(parts()))

    def _program(self, segments: Sequence[Segment]) -> Program:
        return Program(self._session, self.stream, segments)

    def _parts(self, slot: Slot) -> Parts:
        """The work of one frame; a closure holds the addresses of today, so does a graph."""
        stream, tensor = self.stream, self.tensors[self._input.name]
        plan = self.letterbox

        def download() -> None:
            for name, array in self.decoder.results.items():
                array.download(slot.results[name], stream)

        return Parts(
            (lambda: plan.enqueue(stream, slot.frames, slot.blocks, tensor),),
            lambda: self._context.enqueue(stream),
            (lambda: enqueue(self.decoder, self._head, stream, slot.blocks), download),
            self._capturable,
            self._graphs,
        )

    def _engine_alone(self) -> Parts:
        def engine() -> None:
            self._context.enqueue(self.stream)

        return Parts((), engine, (), self._capturable, self._graphs)

    def _letterbox(self) -> LetterboxPlan:
        size, target = self._preprocess.spec.size, self._preprocess.target
        output = Output("float16" if self._input.dtype == "float16" else "float32")
        return LetterboxPlan(
            self._session,
            size=size,
            target=target,
            batch=self.batch,
            max_frame=self._largest,
            output=output,
        )
