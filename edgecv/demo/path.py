"""The steps of the demo, in order. Each asks first whether its result is there and fresh."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from edgecv.bundle import open_bundle
from edgecv.demo.pictures import write_pictures, write_video
from edgecv.errors import EdgecvError
from edgecv.files import read_json, sha256_file
from edgecv.pipeline import RunFolder, run_folder
from edgecv.progress import note
from edgecv.ranges import load_ranges
from edgecv.recipe import Backend, Data, Precision, Recipe, find_recipe, load_recipe

DETECTOR, CLASSIFIER = "tiny/centernet", "tiny/resnet"
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8")
PICTURES = 6
SEED = 2026  # of the pictures and the video; the training data has the recipe's own


class Demo(NamedTuple):
    """What the demo made.

    Attributes:
        bundles: Bundle folders, in the order of the report's rows.
        pictures: Annotated held-out pictures.
        video: The annotated video.
        report: report.html.
    """

    bundles: tuple[Path, ...]
    pictures: tuple[Path, ...]
    video: Path
    report: Path


def demo(runs: Path, *, backend: Backend = "auto", overrides: Sequence[str] = ()) -> Demo:
    """Run the whole path; see the module.

    Args:
        runs: Root of the run folders; the demo's own files go to `runs/demo`.
        backend: Which engine runs the bundles.
        overrides: `section.key=value`, applied to both recipes.

    Raises:
        EdgecvError: whatever a stage refuses; what was complete is kept.
    """
    recipe, run = _prepared(DETECTOR, runs, overrides)
    detectors = _measured(recipe, run, backend)
    built = _built_for_rtx(recipe, run)
    classifiers = _measured(*_prepared(CLASSIFIER, runs, overrides), backend)
    pictures, video = _drawn(detectors[-1], recipe, runs / "demo")
    bundles = (*detectors, *built, *classifiers)

    from edgecv.report import report

    note("== report")
    report(bundles, runs / "demo", pictures=pictures, title="edgecv demo")
    return Demo(bundles, pictures, video, runs / "demo" / "report.html")


def _measured(recipe: Recipe, run: RunFolder, backend: Backend) -> list[Path]:
    """Bundles of one recipe in every precision, with accuracy and latency."""
    from edgecv.bench import bench
    from edgecv.build import build
    from edgecv.evaluate import evaluate

    if backend == "auto":  # one engine for all rows, the fastest in int8: else they do not compare
        note(f"== {run.run_id}: which engine")
        fastest = build(recipe, run, "int8", backend="auto")
        backend = open_bundle(fastest).manifest.backend
    bundles = []
    for precision in PRECISIONS:
        note(f"== {run.run_id}: build {precision}")
        bundle = build(recipe, run, precision, backend=backend)
        bundles.append(bundle)
        if not (bundle / "accuracy.json").exists():  # a rebuilt bundle starts without one
            note(f"== {run.run_id}: evaluate {bundle.name}")
            evaluate(bundle)
        if not (bundle / "latency.json").exists():
            note(f"== {run.run_id}: bench {bundle.name}")
            bench(bundle, recipe.bench)
    return bundles


def _prepared(name: str, runs: Path, overrides: Sequence[str]) -> tuple[Recipe, RunFolder]:
    """Train, export and calibrate one shipped recipe, skipping what is fresh."""
    from edgecv.calibrate import calibrate_recipe
    from edgecv.export import export
    from edgecv.train import train

    path = find_recipe(Path(name))
    recipe, run = load_recipe(path, overrides), run_folder(runs, path)
    note(f"== {run.run_id}: train")
    train(recipe, run, resume=run.checkpoint.exists())
    if not _exported(recipe, run):
        note(f"== {run.run_id}: export")
        export(recipe, run)
    if not _calibrated(recipe, run):
        note(f"== {run.run_id}: calibrate")
        calibrate_recipe(recipe, run)
    return recipe, run


def _exported(recipe: Recipe, run: RunFolder) -> bool:
    if not (run.model.exists() and run.export_json.exists()):
        return False
    record = read_json(run.export_json, "export record")
    return bool(
        record.get("recipe_digest") == recipe.digest("export")
        and record.get("weights_digest") == sha256_file(run.weights)
        and record.get("model_digest") == sha256_file(run.model)
    )


def _calibrated(recipe: Recipe, run: RunFolder) -> bool:
    if not run.ranges.exists():
        return False
    ranges = load_ranges(run.ranges)
    same_recipe = ranges.recipe_digest == recipe.digest("calibrate")
    return same_recipe and ranges.model_digest == sha256_file(run.model)


def _built_for_rtx(recipe: Recipe, run: RunFolder) -> list[Path]:
    """Real TensorRT-RTX engines where that package is: built here, run where an RTX card is."""
    if find_spec("tensorrt_rtx") is None:
        return []
    from edgecv.build import build

    bundles = []
    for precision in PRECISIONS:
        note(f"== {run.run_id}: build {precision} for TensorRT-RTX")
        try:
            bundles.append(build(recipe, run, precision, backend="tensorrt-rtx"))
        except EdgecvError as err:  # an extra of the demo: say why, and go on
            note(f"TensorRT-RTX engine left out: {err}")
    return bundles


def _drawn(bundle: Path, recipe: Recipe, folder: Path) -> tuple[tuple[Path, ...], Path]:
    """Run `bundle` on the demo's pictures and video; returns the annotated ones."""
    from edgecv.run import run

    data = (recipe.data or Data(format="scenes")).model_copy(update={"seed": SEED})
    sources = write_pictures(folder / "pictures", PICTURES, data)
    video = write_video(folder / "pans.mp4", data)
    note(f"== run {bundle.parent.name}/{bundle.name} on {PICTURES} pictures and a video")
    out = folder / "results"
    run(bundle, str(folder / "pictures"), save=out / "pictures")
    run(bundle, str(video), save=out / "video")
    return tuple(out / "pictures" / path.name for path in sources), out / "video" / video.name
