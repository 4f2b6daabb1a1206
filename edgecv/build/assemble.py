"""Build a bundle from a run folder: type the graph, build the engine, test it, seal it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecv.build.finish import Parts, finish, fresh, sweep
from edgecv.build.sample import sample_input
from edgecv.bundle import PrecisionRecord
from edgecv.engines import BACKENDS, available, build_engine, choose_backend, load_engine
from edgecv.engines.golden import Golden
from edgecv.errors import (
    FileError,
    MissingPackage,
    StaleError,
    UnknownName,
    UnsupportedModel,
    UsageError,
)
from edgecv.files import read_json, sha256_file, whole_folder
from edgecv.pipeline import RunFolder
from edgecv.progress import note
from edgecv.ranges import Ranges, load_ranges
from edgecv.recipe import PRECISIONS, Recipe

if TYPE_CHECKING:
    from edgecv.build.precision import Typed

QUANTIZED = ("int8", "mixed")


@dataclass(frozen=True)
class _Source:
    """What a build starts from."""

    recipe: Recipe
    run: RunFolder
    model_digest: str
    ranges: Ranges | None
    name: str  # how the user calls the recipe, for the commands in error messages


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
        MissingPackage: the backend's package is not installed.
        GateFailed: the engine does not compute what the graph says; no bundle is left.
    """
    recipe = _decided(recipe, precision, backend)
    source = _source(recipe, run)
    with tempfile.TemporaryDirectory(prefix="edgecv-build-") as folder:
        return _build(source, Path(folder), out, force)


def _build(source: _Source, scratch: Path, out: Path | None, force: bool) -> Path:
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
    parts = Parts(recipe, run.run_id, source.model_digest, typed_file, source_file)
    if not force and fresh(folder, parts):
        note(f"up to date: {folder}")
        return folder
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
    if section["precision"] not in PRECISIONS:
        raise UnknownName("precision", str(section["precision"]), PRECISIONS)
    if section["backend"] not in ("auto", *BACKENDS):
        raise UnknownName("backend", str(section["backend"]), ("auto", *BACKENDS))
    built = type(recipe.build).model_validate(section)
    return recipe.model_copy(update={"build": built})


def _source(recipe: Recipe, run: RunFolder) -> _Source:
    name = "RECIPE"
    if not run.model.is_file():
        raise FileError("model.onnx not found", file=run.model, fix=f"edgecv export {name}")
    digest = sha256_file(run.model)
    if run.export_json.is_file():
        _require_fresh_export(recipe, run, digest, name)
    ranges = None
    if recipe.build.precision in QUANTIZED:
        ranges = _fresh_ranges(recipe, run, digest, name)
    return _Source(recipe, run, digest, ranges, name)


def _require_fresh_export(recipe: Recipe, run: RunFolder, digest: str, name: str) -> None:
    record: Any = read_json(run.export_json, "export record")
    if not isinstance(record, dict):
        raise FileError("export record is not a table", file=run.export_json)
    for key, want, what in (
        ("model_digest", digest, "model.onnx was changed after it was exported"),
        ("recipe_digest", recipe.digest("export"), "model.onnx was exported by another recipe"),
    ):
        made = record.get(key)
        if made is not None and made != want:
            raise StaleError(what, file=run.model, fix=f"edgecv export {name}")


def _fresh_ranges(recipe: Recipe, run: RunFolder, digest: str, name: str) -> Ranges:
    fix = f"edgecv calibrate {name}"
    if not run.ranges.is_file():
        raise FileError(
            f"{recipe.build.precision} needs a calibration table", missing=run.ranges, fix=fix
        )
    ranges = load_ranges(run.ranges)
    ranges.require_fresh(digest, run.ranges, fix)
    if ranges.recipe_digest and ranges.recipe_digest != recipe.digest("calibrate"):
        raise StaleError(
            "calibration table was measured by another recipe",
            table=run.ranges,
            measured_by=ranges.recipe_digest[:12],
            recipe=recipe.digest("calibrate")[:12],
            fix=fix,
        )
    return ranges


def _type(source: _Source, typed_file: Path, source_file: Path) -> Typed:
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
