"""Add a later stage's engine to a bundle: a box or mask head that takes pooled features, say."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from edgecv.build.finish import GRAPHS, complete, tensors
from edgecv.bundle import (
    ADDED_LATER,
    MANIFEST,
    Bundle,
    PrecisionRecord,
    open_bundle,
    part_folder,
    seal,
)
from edgecv.engines import Array, build_engine, load_engine
from edgecv.engines.golden import Golden
from edgecv.errors import UnsupportedModel, UsageError
from edgecv.files import sha256_file, whole_folder
from edgecv.ranges import Ranges
from edgecv.recipe import Build

_GOLDEN_ROWS = 4


@dataclass(frozen=True)
class PartOptions:
    """How a part is built.

    Attributes:
        batch: (min, opt, max) rows it takes at once; a graph of fixed batch takes just that.
        build: Precision and engine; an unset precision or an `auto` engine is the bundle's own.
        ranges: The calibration table; for int8 and mixed.
        sample: A (K, ...) float32 input for its golden sample; None: normal noise.
    """

    batch: tuple[int, int, int] = (1, 100, 1000)
    build: Build = field(default_factory=Build)
    ranges: Ranges | None = None
    sample: Array | None = None


def add_part(folder: Path, name: str, model: Path, options: PartOptions | None = None) -> Path:
    """Type and build an ONNX file, and put it into a bundle as its part `name`.

    The bundle stays whole: it is replaced only once the part's engine has passed its self-test.
    Accuracy and latency are dropped, as they were measured without the part.

    Args:
        folder: The bundle; a part of the same name is replaced.
        name: A name the bundle's head asks for (`head.parts`).
        model: An fp32 ONNX file with one input whose first dimension is the batch.
        options: How it is built.

    Returns:
        `folder`.

    Raises:
        UsageError: the head has no such part.
        FileError: the bundle or the file is broken.
        UnsupportedModel: more than one input, or the backend cannot build the graph.
        GateFailed: the engine does not compute what the graph says; the bundle is as before.
    """
    bundle, asked = open_bundle(folder), options or PartOptions()
    known = bundle.manifest.head.parts
    if name not in known:
        raise UsageError(
            f"head {bundle.manifest.head.kind} has no part {name!r}",
            parts=", ".join(known) or "none",
        )
    with (
        tempfile.TemporaryDirectory(prefix="edgecv-part-") as scratch,
        whole_folder(folder) as temporary,
    ):
        _copy_without(bundle, name, temporary)
        with whole_folder(part_folder(temporary, name)) as inside:
            _build(bundle, model, asked, (Path(scratch), inside))
        parts = tuple(dict.fromkeys((*bundle.manifest.parts, name)))
        seal(temporary, bundle.manifest.model_copy(update={"parts": parts}))
    return folder


def _build(bundle: Bundle, model: Path, asked: PartOptions, places: tuple[Path, Path]) -> None:
    """Type the graph in the first of `places`, build and seal the part in the second."""
    manifest, (scratch, folder) = bundle.manifest, places
    precision = asked.build.precision or manifest.precision.asked
    options = asked.build.model_copy(update={"precision": precision})
    record = _typed(model, options, asked.ranges, scratch)
    for graph in GRAPHS:
        if (scratch / graph).is_file():
            shutil.copyfile(scratch / graph, folder / graph)
    backend = options.backend if options.backend != "auto" else manifest.backend
    golden, batch = _golden(folder / "model.onnx", precision, asked)
    options = options.model_copy(update={"backend": backend})
    built = build_engine(
        backend,
        folder / "model.onnx",
        folder,
        options,
        batch,
        source=folder / "source.onnx",
    )
    own = manifest.model_copy(
        update={
            "model_digest": sha256_file(model),
            "batch": batch,
            "inputs": tensors(golden.inputs, batch),
            "outputs": tensors(golden.expected, batch),
            "precision": record,
            "build": options,
            "backend": backend,
            "backend_version": built.version,
            "targets": built.targets,
            "kernels": (),
            "engine": built.engine,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "parts": (),
        }
    )
    complete(folder, own, built, golden, options.tolerance)


def _typed(model: Path, options: Build, ranges: Ranges | None, folder: Path) -> PrecisionRecord:
    from edgecv.build.precision import source_form, type_model
    from edgecv.graph.read import load_graph, save_graph

    graph = load_graph(model)
    precision = str(options.precision)
    rest: dict[str, Sequence[str] | str] = {"rest": options.rest, "keep": options.keep}
    typed = type_model(graph, precision, ranges=ranges, **rest)  # type: ignore[arg-type]
    save_graph(typed.model, folder / "model.onnx")
    save_graph(source_form(graph, ranges, keep=options.keep), folder / "source.onnx")
    return PrecisionRecord(
        asked=options.precision or "fp32",
        rest=options.rest,
        quantized=tuple(typed.quantized),
        kept=dict(typed.kept),
    )


def _golden(typed: Path, precision: str, asked: PartOptions) -> tuple[Golden, tuple[int, int, int]]:
    """One input, ONNX Runtime's outputs on the typed graph, and the batch the graph takes."""
    engine = load_engine("onnxruntime", typed, precision=precision)
    if len(engine.inputs) != 1 or not engine.inputs[0].shape:
        names = ", ".join(tensor.name for tensor in engine.inputs)
        raise UnsupportedModel("a part's graph takes one input (K, ...)", inputs=names)
    (only,) = engine.inputs
    rows, *shape = only.shape
    if any(side < 1 for side in shape):
        raise UnsupportedModel("only a part's batch may be dynamic", input=f"{only.shape}")
    batch = (rows, rows, rows) if rows > 0 else asked.batch
    if asked.sample is not None:
        sample = asked.sample
    else:
        count = batch[0] if rows > 0 else max(batch[0], min(batch[1], _GOLDEN_ROWS))
        sample = np.random.default_rng(0).standard_normal((count, *shape)).astype(np.float32)
    inputs = {only.name: sample}
    expected = engine.execute(inputs)
    engine.close()
    return Golden(inputs, expected), batch


def _copy_without(bundle: Bundle, name: str, folder: Path) -> None:
    """The bundle's files, but for its manifest, what was measured, and the part `name`."""
    old = part_folder(bundle.folder, name)
    for listed in bundle.manifest.files:
        source = bundle.path(listed)
        if listed in (MANIFEST, *ADDED_LATER) or source.is_relative_to(old):
            continue
        target = folder / listed
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
