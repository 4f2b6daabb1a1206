"""A bundle as a callable whose frames stay on the GPU."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import numpy.typing as npt

from edgecv.bundle import Bundle
from edgecv.engines.trt_run import TensorRtEngine
from edgecv.errors import ShapeError
from edgecv.head import Head
from edgecv.results import Results
from edgecv.runtime.device.frame import Frame, frame_of
from edgecv.runtime.device.pipeline import DevicePipeline
from edgecv.runtime.device.program import graphs_wanted
from edgecv.runtime.heads import decode
from edgecv.runtime.model import Model
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]
RING = 2  # batches in flight of `stream`, per context: one computes, one is copied


class DeviceModel(Model):
    """A loaded bundle on the GPU; see `Model`, whose calls and results it shares.

    A picture may also be an object with `__cuda_array_interface__` (a torch tensor, a CuPy array):
    (H, W, 3) uint8 in device memory, contiguous; it is not brought to the host. What fills it must
    be done, or on CUDA's default stream (torch's, unless told otherwise): that one is waited for.

    After a CUDA error nothing on this model works any more: `close()` it and load it again.

    Attributes:
        graphs: Whether frames are captured into CUDA graphs; may be switched between calls, to
            measure what it brings.
    """

    input_types: ClassVar[tuple[str, ...]] = ("float32", "float16")

    def __init__(self, bundle: Bundle, engine: TensorRtEngine) -> None:
        """Join an opened bundle and its loaded engine; `edgecv.load` does both.

        Raises:
            UnsupportedModel: the engine's input is not the one image batch a recipe describes.
        """
        super().__init__(bundle, engine)
        self.engine: TensorRtEngine = engine
        self._lock = threading.Lock()
        self.graphs = graphs_wanted()
        self._pipelines: list[tuple[tuple[Head, int, bool], DevicePipeline]] = []

    def results(
        self, images: Sequence[Any], *, color: str = "bgr", head: Head | None = None
    ) -> list[Results]:
        """Results of many pictures; see `Model.results`. Copies and compute overlap."""
        found: list[Results] = []
        if not self.parts and len(images) > self._most:
            ring = self._pipeline(self._most, head)
            ring.widen(RING)
            for batch in ring.stream(frame_of(image, color) for image in images):
                found += batch
            return found
        for start in range(0, len(images), self._most):
            part = [frame_of(image, color) for image in images[start : start + self._most]]
            if not self.parts:
                found += self._pipeline(len(part), head)(part)
            elif self._chained():  # a picture at a time: later stages use its maps where they lie
                for frame in part:
                    found += self._pipeline(1, head)([frame])
            else:
                raw = self._pipeline(len(part), head).raw(part)
                found += decode(head or self.head, *raw, self.parts)
        return found

    def stream(
        self, images: Iterable[Any], *, color: str = "bgr", batch: int = 1
    ) -> Iterator[Results]:
        """Results in the order of the pictures, with copies and compute overlapped.

        See `Model.stream`. Pictures are taken from `images` some ahead of the results: as many as
        are in flight.
        """
        if self.parts:  # their maps lie where the next frame's would: one picture at a time
            yield from super().stream(images, color=color, batch=batch)
            return
        ring = self._pipeline(min(batch, self._most), None)
        ring.widen(RING)
        for found in ring.stream(frame_of(image, color) for image in images):
            yield from found

    def raw(self, images: Sequence[Any]) -> tuple[dict[str, Array], list[Geometry]]:
        """Raw outputs of one batch, copied back from the device; see `Model.raw`."""
        frames = self._frames(images)
        return self._pipeline(len(frames), None).raw(frames)

    def timed(self, image: Any, *, color: str = "bgr") -> tuple[Results, dict[str, float]]:
        """One picture's result, and the milliseconds its three steps took.

        Pre is the copy into pinned memory, the copy to the device and the letterbox; post is
        decoding on the device and collecting. The steps run as three graphs here, not one: their
        sum is a little more than a call takes.
        """
        found, spans = self._pipeline(1, None).timed([frame_of(image, color)])
        return found[0], {
            "pre_ms": spans["stage_ms"] + spans["copy_ms"] + spans["letterbox_ms"],
            "engine_ms": spans["engine_ms"],
            "post_ms": spans["decode_ms"] + spans["collect_ms"],
        }

    def steps(self, image: Any, *, color: str = "bgr") -> dict[str, float]:
        """Milliseconds of every step of one picture; see `DevicePipeline.timed`."""
        return self._pipeline(1, None).timed([frame_of(image, color)])[1]

    def engine_ms(self, runs: int) -> list[float]:
        """Milliseconds of the engine alone on the device, `runs` times."""
        return self._pipeline(1, None).engine_ms(runs)

    def close(self) -> None:
        """Free everything; the model cannot be called afterwards."""
        with self._lock:
            for _, pipeline in self._pipelines:
                pipeline.close()
            self._pipelines.clear()
        super().close()

    def _frames(self, images: Sequence[Any]) -> list[Frame]:
        if not 1 <= len(images) <= self._most:
            raise ShapeError(
                "a batch must have 1 to max-batch images", got=len(images), max_batch=self._most
            )
        return [frame_of(image) for image in images]

    def _pipeline(self, count: int, head: Head | None) -> DevicePipeline:
        """The pipeline for `count` pictures at once; made when first needed, kept."""
        key = (head or self.head, self._batch_of(count), self.graphs)
        with self._lock:
            for other, pipeline in self._pipelines:
                if other == key:
                    return pipeline
            made = DevicePipeline(
                self.engine,
                self.preprocess,
                key[0],
                batch=key[1],
                contexts=self.engine.streams,
                graphs=self.graphs,
            )
            self._pipelines.append((key, made))
            if self.parts and self._chained() and key[1] == 1:
                made.attach(self.parts, graphs=self.graphs)
            return made

    def _chained(self) -> bool:
        """Whether later stages run on the device too: all engines are plans, and take one picture.

        Else the first stage's outputs come back and the CPU goes on.
        """
        plans = all(hasattr(part.engine, "context") for part in self.parts.values())
        return plans and self._batch_of(1) == 1

    def _batch_of(self, count: int) -> int:
        """The smallest of the engine's batch sizes that takes `count` pictures."""
        return next(size for size in self.bundle.manifest.batch if size >= count)
