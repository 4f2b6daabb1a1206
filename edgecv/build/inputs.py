"""What a build starts from: model.onnx and ranges.json, each made by this recipe or refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgecv.errors import FileError, StaleError
from edgecv.files import read_json, sha256_file
from edgecv.pipeline import RunFolder
from edgecv.ranges import Ranges, load_ranges
from edgecv.recipe import Recipe, shipped_recipes

QUANTIZED = ("int8", "mixed")


@dataclass(frozen=True)
class Source:
    """Checked inputs of a build.

    Attributes:
        recipe: The recipe, with the precision and backend that were asked for.
        run: The run folder.
        model_digest: sha256 of model.onnx.
        ranges: The calibration table, for int8 and mixed.
    """

    recipe: Recipe
    run: RunFolder
    model_digest: str
    ranges: Ranges | None


def read_source(recipe: Recipe, run: RunFolder) -> Source:
    """Check what is in the run folder.

    Raises:
        FileError: model.onnx or ranges.json is missing or broken; names the command that makes it.
        StaleError: one of them was made from something else; names the command that renews it.
    """
    export, calibrate = _commands(recipe, run)
    if not run.model.is_file():
        raise FileError("model.onnx not found", file=run.model, fix=export)
    digest = sha256_file(run.model)
    if run.export_json.is_file():
        _require_fresh_export(recipe, run, digest, export)
    ranges = None
    if recipe.build.precision in QUANTIZED:
        ranges = _fresh_ranges(recipe, run, digest, calibrate)
    return Source(recipe, run, digest, ranges)


def _commands(recipe: Recipe, run: RunFolder) -> tuple[str, str]:
    """The commands that make model.onnx and ranges.json, as this user would type them."""
    if recipe.model is not None and (run.path / "recipe.yaml").is_file():  # `build MODEL.onnx`
        model = recipe.model.file
        return f"edgecv build {model}", f"edgecv calibrate {model} --data DIR, or build --data DIR"
    names = {name.replace("/", "-"): name for name in shipped_recipes()}
    name = names.get(run.run_id, "RECIPE")
    return f"edgecv export {name}", f"edgecv calibrate {name}"


def _require_fresh_export(recipe: Recipe, run: RunFolder, digest: str, fix: str) -> None:
    record: Any = read_json(run.export_json, "export record")
    if not isinstance(record, dict):
        raise FileError("export record is not a table", file=run.export_json)
    if record.get("passed") is False:
        raise StaleError("the last export did not pass its parity gate", file=run.model, fix=fix)
    for key, want, what in (
        ("model_digest", digest, "model.onnx was changed after it was exported"),
        ("recipe_digest", recipe.digest("export"), "model.onnx was exported by another recipe"),
    ):
        made = record.get(key)
        if made is not None and made != want:
            raise StaleError(what, file=run.model, fix=fix)


def _fresh_ranges(recipe: Recipe, run: RunFolder, digest: str, fix: str) -> Ranges:
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
