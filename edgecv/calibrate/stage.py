"""The stage: which model, which pictures, where the table goes, and what is refused as stale."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from edgecv.calibrate.images import batches, folder_pictures, spread, training_pictures
from edgecv.calibrate.measure import calibrate
from edgecv.errors import FileError, StaleError, UnsupportedModel, UsageError
from edgecv.files import read_json, sha256_file, write_json, write_text
from edgecv.graph.adopt import adopt
from edgecv.graph.read import load_graph, save_graph, tensors
from edgecv.pipeline import RunFolder, run_folder
from edgecv.progress import track
from edgecv.ranges import load_ranges
from edgecv.recipe import Recipe, find_recipe, load_recipe


def calibrate_source(
    source: Path,
    runs: Path,
    *,
    images: Path | None = None,
    method: str = "",
    count: int = 0,
    overrides: Sequence[str] = (),
) -> Path:
    """Calibrate what a user names: a recipe (path or shipped name) or a foreign ONNX file.

    Args:
        source: The recipe or the ONNX file.
        runs: Folder of the runs.
        images: Folder of pictures; needed for an ONNX file, else the training split serves.
        method: How ranges become scales; empty: the recipe's.
        count: Pictures to look at; 0: the recipe's.
        overrides: `section.key=value` for the recipe.

    Returns:
        The file of ranges.

    Raises:
        UsageError: an ONNX file without a folder of pictures.
        EdgecvError: as `calibrate_recipe` and `calibrate_onnx`.
    """
    if source.suffix.lower() != ".onnx":
        path = find_recipe(source)
        recipe = load_recipe(path, overrides)
        run = run_folder(runs, path)
        return calibrate_recipe(recipe, run, images=images, method=method, count=count)
    if images is None:
        raise UsageError("an ONNX file has no training pictures of its own", fix="add --data DIR")
    run = run_folder(runs, source)
    return calibrate_onnx(source, run, images, method=method, count=count, overrides=overrides)


def summary(path: Path) -> dict[str, object]:
    """What a table holds, in a few lines of JSON."""
    ranges = load_ranges(path)
    head = ranges.model_dump(mode="json", exclude={"tensors", "schema_version"})
    return {"ranges": str(path), **head, "tensors": len(ranges.tensors)}


def calibrate_recipe(
    recipe: Recipe,
    run: RunFolder,
    *,
    images: Path | None = None,
    method: str = "",
    count: int = 0,
    recipe_digest: str | None = None,
) -> Path:
    """Measure the ranges of a run's model.

    Args:
        recipe: The recipe; its `calibrate` section says how.
        run: The run folder; holds model.onnx, gets ranges.json.
        images: A folder of pictures to take instead of the recipe's training split.
        method: Instead of the recipe's.
        count: Number of images, instead of the recipe's; 0: the recipe's.
        recipe_digest: What the table says it was measured by; None: the recipe's digest.

    Returns:
        The table's path; it is written whole or not at all.

    Raises:
        FileError: no model.onnx yet, or broken pictures.
        StaleError: model.onnx was exported by another recipe, or changed since.
        EdgecvError: as `edgecv.calibrate.calibrate`.
    """
    _require_fresh_model(recipe, run)
    section = recipe.calibrate
    pictures = folder_pictures(images) if images is not None else training_pictures(recipe)
    wanted = count or section.images
    size = _batch(run.model, section.batch)
    stream = batches(pictures, recipe.input, wanted, size)
    steps = -(-len(spread(pictures.count, wanted)) // size)
    ranges = calibrate(
        run.model,
        track(stream, "calibrate", total=steps),
        method or section.method,
        percentile=section.percentile,
        recipe_digest=recipe.digest("calibrate") if recipe_digest is None else recipe_digest,
    )
    return ranges.save(run.ranges)


def calibrate_onnx(
    model: Path,
    run: RunFolder,
    images: Path,
    *,
    method: str = "",
    count: int = 0,
    overrides: Sequence[str] = (),
) -> Path:
    """Measure the ranges of a foreign ONNX file over a folder of pictures.

    A run folder that `edgecv build` or `edgecv init` made from the same file is used with its
    recipe. Otherwise the file is adopted into it, and how pictures become its input is read from
    `overrides` (`input.mean=[…]`), the size from the graph.

    Args:
        model: The ONNX file.
        run: Its run folder.
        images: Folder of pictures.
        method: Instead of the recipe's (mse).
        count: Number of images; 0: the recipe's (256).
        overrides: `section.key=value`.

    Raises:
        EdgecvError: as `calibrate_recipe`; RecipeError for an override that does not fit.
    """
    known = run.path / "recipe.yaml"
    if known.is_file() and _made_from(run, model):
        recipe = load_recipe(known, overrides)
        return calibrate_recipe(recipe, run, images=images, method=method, count=count)
    recipe = _adopted(model, run, overrides)
    return calibrate_recipe(
        recipe, run, images=images, method=method, count=count, recipe_digest=""
    )


def _made_from(run: RunFolder, model: Path) -> bool:
    if not (run.model.is_file() and run.export_json.is_file() and model.is_file()):
        return False
    made = read_json(run.export_json, "export record")
    return isinstance(made, dict) and made.get("source_digest") == sha256_file(model)


def _adopted(model: Path, run: RunFolder, overrides: Sequence[str]) -> Recipe:
    """Write the normal form of a foreign file into `run`; the recipe that says its input."""
    graph = load_graph(model)
    inputs, _ = tensors(graph)
    draft: dict[str, object] = {
        "model": {"file": str(model.resolve())},
        "task": "classify",  # calibration asks for no task, but a recipe has one
        "input": {},
        "head": {"kind": "classify"},
    }
    if len(inputs) == 1 and len(inputs[0].shape) == 4 and min(inputs[0].shape[2:]) > 0:
        draft["input"] = {"size": list(inputs[0].shape[2:])}
    with TemporaryDirectory() as folder:
        file = write_text(Path(folder) / f"{model.stem}.yaml", json.dumps(draft))
        recipe = load_recipe(file, overrides)
    save_graph(adopt(graph, batch=recipe.export.batches, input_size=recipe.input.size), run.model)
    record = {
        "recipe_digest": recipe.digest("export"),
        "source_digest": sha256_file(model),
        "model_digest": sha256_file(run.model),
    }
    write_json(run.export_json, record)
    return recipe


def _require_fresh_model(recipe: Recipe, run: RunFolder) -> None:
    fix = f"edgecv export {run.run_id.replace('-', '/', 1)}"
    if not run.model.is_file():
        raise FileError("there is no model to calibrate yet", missing=run.model, fix=fix)
    if not run.export_json.is_file():
        return  # a model the user put there: its provenance is not known
    made = read_json(run.export_json, "export record")
    made = made if isinstance(made, dict) else {}
    if made.get("recipe_digest") not in (None, "", recipe.digest("export")):
        raise StaleError("model.onnx was exported by another recipe", file=run.model, fix=fix)
    if made.get("model_digest") not in (None, "", sha256_file(run.model)):
        raise StaleError("model.onnx was changed after its export", file=run.model, fix=fix)


def _batch(model: Path, wanted: int) -> int:
    """Images per forward pass: the recipe's, or what a fixed batch allows."""
    inputs, _ = tensors(load_graph(model))
    if len(inputs) != 1:
        raise UnsupportedModel("calibration feeds one image input", inputs=len(inputs))
    fixed = inputs[0].shape[0]
    return fixed if fixed > 0 else wanted
