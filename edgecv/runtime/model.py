"""A bundle as a callable: picture in, results out."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from edgecv.bundle import Bundle, Tensor
from edgecv.engines import Engine
from edgecv.errors import ShapeError, UnknownName, UnsupportedModel
from edgecv.head import Head
from edgecv.images import read_image
from edgecv.results import Results
from edgecv.runtime.heads import decode
from edgecv.runtime.parts import Part, load_parts
from edgecv.runtime.preprocess import Geometry, Nv12, Preprocessor

Array = npt.NDArray[Any]
COLORS = ("bgr", "rgb")


class Model:
    """A loaded bundle.

    Call it with a picture: a path, an (H, W, 3) uint8 array (BGR unless `color="rgb"`), or a
    Pillow image. Threads may share one Model; how many frames the engine computes at once is the
    `streams` it was loaded with. Use it as a context manager, or `close()` it, to free the engine.
    """

    input_types: ClassVar[tuple[str, ...]] = ("float32",)

    def __init__(self, bundle: Bundle, engine: Engine) -> None:
        """Join an opened bundle and its loaded engine; `edgecv.load` does both.

        Raises:
            UnsupportedModel: the engine's input is not the one image batch a recipe describes.
        """
        manifest = bundle.manifest
        self.bundle, self.engine, self.head = bundle, engine, manifest.head
        self.preprocess = Preprocessor(manifest.input, pixels=manifest.head.sees_pixels)
        shape = (manifest.input.channels, *manifest.input.size)
        self._input = _image_input(engine.inputs, shape, self.input_types)
        self._shape = shape
        self._least, _, self._most = manifest.batch
        self.parts: dict[str, Part] = {}
        self._local = threading.local()

    def __call__(self, image: Any, *, color: str = "bgr") -> Results:
        """What the network sees in one picture, in the picture's own pixels.

        Args:
            image: Path, (H, W, 3) uint8 array, Pillow image (always read as RGB), or an NV12 frame
                (`edgecv.runtime.preprocess.Nv12`).
            color: Channel order of an array: "bgr", as OpenCV reads, or "rgb".

        Raises:
            ShapeError: an array of another shape or dtype, or something that is no picture.
            FileError: a file that is missing, empty, truncated or no picture.
            UnknownName: another `color`.
        """
        return self.results([image], color=color)[0]

    def results(
        self, images: Sequence[Any], *, color: str = "bgr", head: Head | None = None
    ) -> list[Results]:
        """Results of many pictures, in batches as large as the engine takes.

        Args:
            images: As for a call.
            color: As for a call.
            head: Decode with this head instead of the bundle's (another score, say).
        """
        found: list[Results] = []
        for start in range(0, len(images), self._most):
            part = [picture(image, color) for image in images[start : start + self._most]]
            outputs, geometries = self.raw(part)
            if head is not None and head.sees_pixels and not self.preprocess.pixels:
                geometries = Preprocessor(self.preprocess.spec, pixels=True).batch(part)[1]
            found += decode(head or self.head, outputs, geometries, self.parts)
        return found

    def stream(
        self, images: Iterable[Any], *, color: str = "bgr", batch: int = 1
    ) -> Iterator[Results]:
        """Results in the order of the pictures, as fast as this backend can.

        On a GPU the next picture is copied while the last one computes; elsewhere pictures go one
        by one. Nothing is read ahead further than what is in flight.

        Args:
            images: As for a call; may be endless.
            color: As for a call.
            batch: Pictures that go through the network together, at most as many as the engine
                takes. More is faster where pictures are at hand; a camera's would wait.
        """
        coming = iter(images)
        while part := list(islice(coming, min(batch, self._most))):
            yield from self.results(part, color=color)

    def raw(self, images: Sequence[Array | Nv12]) -> tuple[dict[str, Array], list[Geometry]]:
        """Raw outputs of one batch, and where each picture lay in the input.

        A batch smaller than the engine's smallest is padded with zeros; its outputs are longer
        than the geometries then.

        Args:
            images: 1 to max-batch arrays, (H, W, 3) uint8 BGR, or NV12 frames.

        Raises:
            ShapeError: a wrong image, none, or more than the engine takes.
        """
        batch, geometries = self._prepare(images)
        return self.engine.execute({self._input: batch}), geometries

    def timed(self, image: Any, *, color: str = "bgr") -> tuple[Results, dict[str, float]]:
        """One picture's result, and the milliseconds its three steps took.

        Returns:
            The result, and {"pre_ms", "engine_ms", "post_ms"}; reading a file is not in them.
        """
        frame = picture(image, color)
        began = perf_counter()
        batch, geometries = self._prepare([frame])
        prepared = perf_counter()
        outputs = self.engine.execute({self._input: batch})
        executed = perf_counter()
        found = decode(self.head, outputs, geometries, self.parts)
        decoded = perf_counter()
        marks = (began, prepared, executed, decoded)
        steps = [(b - a) * 1e3 for a, b in pairwise(marks)]
        return found[0], dict(zip(("pre_ms", "engine_ms", "post_ms"), steps, strict=True))

    def add_parts(self, *, threads: int = 0) -> None:
        """Load the engines of the head's later stages.

        Args:
            threads: CPU threads of each; 0: the engine's choice.

        Raises:
            FileError: the bundle lacks one.
            EngineMismatch, MissingPackage, MachineError: as `edgecv.load`.
        """
        self.parts |= load_parts(self.bundle, self.head.parts, threads=threads)

    def warm_up(self) -> None:
        """Send one grey picture through: loops get compiled, the engine its memory.

        Raises:
            FileError, ShapeError: the head does not fit the engine's outputs.
        """
        self(np.full((*self.preprocess.spec.size, 3), self.preprocess.spec.pad, np.uint8))

    def self_test(self) -> dict[str, Any]:
        """Run the bundle's golden sample; see `edgecv.engines.golden.self_test`.

        Raises:
            FileError: the golden sample cannot be read.
            GateFailed: an output differs from the golden one by more than the tolerance.
        """
        from edgecv.engines.golden import self_test  # type: ignore[import-not-found,unused-ignore]

        report: dict[str, Any] = self_test(self.engine, self.bundle)
        return report

    def close(self) -> None:
        """Free the engines; the model cannot be called afterwards."""
        for part in self.parts.values():
            part.engine.close()
        self.engine.close()

    def __enter__(self) -> Model:
        """Use as a context manager."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close at the end of the block."""
        self.close()

    def _prepare(self, images: Sequence[Array | Nv12]) -> tuple[Array, list[Geometry]]:
        if not 1 <= len(images) <= self._most:
            raise ShapeError(
                "a batch must have 1 to max-batch images", got=len(images), max_batch=self._most
            )
        batch = self._buffer(max(len(images), self._least))
        batch[len(images) :] = 0
        geometries = [self.preprocess.into(image, batch[i]) for i, image in enumerate(images)]
        return batch, geometries

    def _buffer(self, count: int) -> Array:
        """This thread's input array; reused, since `execute` is done with it when it returns."""
        kept: Array | None = getattr(self._local, "batch", None)
        if kept is None or len(kept) != count:
            kept = self._local.batch = np.empty((count, *self._shape), np.float32)
        return kept


def picture(image: Any, color: str = "bgr") -> Array | Nv12:
    """What a user calls a picture, as an (H, W, 3) uint8 BGR array; see `Model.__call__`.

    An NV12 frame stays what it is.
    """
    if color not in COLORS:
        raise UnknownName("color order", color, COLORS)
    if isinstance(image, Nv12):
        return image
    if isinstance(image, (str, Path)):
        return read_image(Path(image))
    if type(image).__module__.partition(".")[0] == "PIL":
        return np.asarray(image.convert("RGB"))[:, :, ::-1]
    if not isinstance(image, np.ndarray):
        raise ShapeError(
            "a picture must be a path, a (H, W, 3) uint8 array or a Pillow image",
            got=type(image).__name__,
        )
    return image[..., ::-1] if color == "rgb" and image.ndim == 3 else image


def _image_input(inputs: Sequence[Tensor], shape: tuple[int, ...], types: tuple[str, ...]) -> str:
    """Name of the engine's one input, which must take (N, *shape) of one of `types`."""
    if len(inputs) != 1:
        raise UnsupportedModel(
            "edgecv runs networks with one image input",
            inputs=", ".join(tensor.name for tensor in inputs) or "none",
        )
    (only,) = inputs
    pairs: Iterator[tuple[int, int]] = zip(only.shape[1:], shape, strict=False)
    fits = len(only.shape) == 4 and all(got in (-1, want) for got, want in pairs)
    if not fits or only.dtype not in types:
        raise UnsupportedModel(
            "the engine's input is not what the manifest's input section describes",
            engine=f"{only.name} {only.shape} {only.dtype}",
            manifest=f"(N, {', '.join(map(str, shape))}) {' or '.join(types)}",
        )
    return only.name
