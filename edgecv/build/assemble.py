"""Build a bundle from a run folder: type the graph, build the engine, test it, seal it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.build.finish import Parts, finish, fresh, sweep
from edgecv.build.head_fit import require_head
from edgecv.build.inputs import Source, read_source
from edgecv.build.origin import origin
from edgecv.build.sample import sample_input
from edgecv.bundle import PrecisionRecord
from edgecv.engines import BACKENDS, available, build_engine, choose_backend, load_engine
from edgecv.engines.golden import Golden
from edgecv.errors import (
    MissingPackage,
    UnknownName,
    UnsupportedModel,
    UsageError,
)
from edgecv.files import whole_folder
from edgecv.pipeline import RunFolder
from edgecv.progress import note
from edgecv.recipe import PRECISIONS, Recipe

if TYPE_CHECKING:
    from edgecv.build.precision import Typed


def build(
    recipe: Recipe,
    run: RunFolder,
    precision: str | None = None,
    *,
    backend: str = "",
    out: Path | None = None,
    force: bool = False,
) -> Path:
    """Build one bundle; if it is there and nothing it came from has changed, only say so.

    Args:
        recipe: The recipe.
        run: Its run folder; holds model.onnx and, for int8 and mixed, ranges.json.
        precision: What the engine is to run in; default: the recipe's `build.precision`.
        backend: One of engines.BACKENDS or "auto"; default: the recipe's `build.backend`.
        out: The bundle's folder; default: `<precision>-<backend>` in the run folder.
        force: Build even if the bundle is up to date.

    Returns:
        The bundle's folder.

    Raises:
        UsageError: no precision is given anywhere.
        FileError, StaleError: an input is missing or was made from something else; the message
            names the command that makes or renews it.
        UnsupportedModel: the backend cannot build the graph.
        ShapeError: the graph's outputs are not what the recipe's head takes.
        MissingPackage: the backend's package is not installed.
        GateFailed: the engine does not compute what the graph says; no bundle is left.
    """
    recipe = _decided(recipe, precision, backend)
    source = read_source(recipe, run)
    made_from = origin(source)
    if not force and (found := _up_to_date(source, made_from, out)):
        note(f"up to date: {found}")
        return found
    with tempfile.TemporaryDirectory(prefix="edgecv-build-") as folder:
        return _build(source, made_from, Path(folder), out)


def _up_to_date(source: Source, made_from: str, out: Path | None) -> Path | None:
    """The bundle a build would make, if it is there. The graph is not typed to find out.

    The typed graph is the same for every backend, so that of any fresh bundle decides `auto`.
    """
    recipe, run = source.recipe, source.run
    precision, asked = str(recipe.build.precision), recipe.build.backend
    found = {}
    for backend in available() if asked == "auto" else (asked,):
        folder = out or run.bundle(precision, backend)
        decided = replace(source, recipe=_decided(recipe, precision, backend))
        if fresh(folder, decided, made_from):
            found[backend] = folder
    if found and asked == "auto":
        graph = next(iter(found.values())) / "model.onnx"
        return found.get(choose_backend(graph, precision, rest=recipe.build.rest))
    return found.get(asked)


def _build(source: Source, made_from: str, scratch: Path, out: Path | None) -> Path:
    recipe, run = source.recipe, source.run
    precision, rest = str(recipe.build.precision), recipe.build.rest
    note(f"typing the graph as {precision}")
    typed_file, source_file = scratch / "model.onnx", scratch / "source.onnx"
    typed = _type(source, typed_file, source_file)
    if recipe.build.backend == "auto":
        backend = choose_backend(typed_file, precision, rest=rest)
        recipe = _decided(recipe, precision, backend)
    backend = recipe.build.backend
    folder = out or run.bundle(precision, backend)
    parts = Parts(recipe, run.run_id, source.model_digest, made_from, typed_file, source_file)
    sweep(folder)
    golden = _golden(recipe, typed_file)
    record = PrecisionRecord(
        asked=recipe.build.precision or "fp32",
        rest=rest,
        quantized=tuple(typed.quantized),
        kept=dict(typed.kept),
    )
    with whole_folder(folder) as temporary:
        parts.copy_graphs(temporary)
        note(f"building the {backend} engine")
        built = build_engine(
            backend,
            temporary / "model.onnx",
            temporary,
            recipe.build,
            recipe.export.batches,
            source=temporary / "source.onnx",
        )
        finish(temporary, parts, built, record, golden)
    return folder


def _decided(recipe: Recipe, precision: str | None, backend: str) -> Recipe:
    """The recipe with what was asked on the command line, through its own schema."""
    section = recipe.build.model_dump()
    section["precision"] = precision or recipe.build.precision
    section["backend"] = backend or recipe.build.backend
    if section["precision"] is None:
        raise UsageError(
            "a build needs a precision", known=", ".join(PRECISIONS), fix="add --precision fp32"
        )
    for kind, known in (("precision", PRECISIONS), ("backend", (*BACKENDS, "auto"))):
        if section[kind] not in known:
            raise UnknownName(kind, str(section[kind]), known)
    built = type(recipe.build).model_validate(section)
    return recipe.model_copy(update={"build": built})


def _type(source: Source, typed_file: Path, source_file: Path) -> Typed:
    """Write the typed graph and, where the graph has one, its portable form."""
    from edgecv.build.precision import source_form, type_model
    from edgecv.graph.read import load_graph, save_graph

    options, model = source.recipe.build, load_graph(source.run.model)
    typed = type_model(
        model,
        str(options.precision),
        ranges=source.ranges,
        rest=options.rest,
        keep=options.keep,
    )
    save_graph(typed.model, typed_file)
    for line in typed.warnings:
        note(f"warning: {line}")
    try:
        save_graph(source_form(model, source.ranges, keep=options.keep), source_file)
    except UnsupportedModel as err:
        note(f"no source.onnx, so TensorRT 8.5/8.6 cannot rebuild this bundle: {err.what}")
    return typed


def _golden(recipe: Recipe, typed_file: Path) -> Golden:
    """One input, and ONNX Runtime's outputs on the typed graph."""
    if "onnxruntime" not in available():
        raise MissingPackage("onnxruntime", "cpu", needed_for="the bundle's golden sample")
    engine = load_engine("onnxruntime", typed_file, precision=str(recipe.build.precision))
    if len(engine.inputs) != 1 or len(engine.inputs[0].shape) != 4:
        names = ", ".join(tensor.name for tensor in engine.inputs)
        raise UnsupportedModel("a bundle's graph takes one image input (N, C, H, W)", inputs=names)
    want = engine.inputs[0]
    _require_input(recipe, want.shape)
    batch = want.shape[0] if want.shape[0] > 0 else recipe.export.batches[1]
    inputs = {want.name: sample_input(recipe, batch)}
    expected = engine.execute(inputs)
    engine.close()
    require_head(recipe, expected)
    return Golden(inputs, expected)


def _require_input(recipe: Recipe, shape: tuple[int, ...]) -> None:
    asked = (recipe.input.channels, *recipe.input.size)
    if any(got not in (-1, want) for got, want in zip(shape[1:], asked, strict=True)):
        raise UnsupportedModel(
            "the graph's input is not the recipe's",
            graph=f"{shape[1:]} (channels, height, width)",
            recipe=f"{asked}",
            fix=f"--set input.size=[{shape[2]},{shape[3]}], and input.color",
        )
