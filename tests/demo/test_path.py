"""The whole path with a few training steps: every file a reader is promised, and the second run."""

import json

import pytest
from typer.testing import CliRunner

from edgecv.cli.app import app

SMALL = (
    "train.steps=3",
    "train.batch=4",
    "train.every=3",
    "data.train=32",
    "data.val=12",
    "calibrate.images=4",
    "export.parity_images=2",
    "evaluate.resamples=10",
    "bench.frames=4",
    "bench.warmup=1",
    "build.tolerance=1.0",  # three steps teach nothing, and noise rounds apart in int8
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    runs = tmp_path_factory.mktemp("demo") / "runs"
    words = ["demo", "--runs", str(runs), "--backend", "openvino", "--json", "--quiet"]
    words += [word for item in SMALL for word in ("--set", item)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return runs, words, json.loads(result.stdout)


def test_every_precision_of_both_tasks_is_measured(made):
    _, _, record = made
    measured = [row for row in record["rows"] if row["p50_ms"] is not None]
    assert [(row["run_id"], row["precision"]) for row in measured] == [
        (run, precision)
        for run in ("tiny-centernet", "tiny-resnet")
        for precision in ("fp32", "fp16", "int8")
    ]
    assert all(row["n"] == 12 and 0 <= row["value"] <= 1 for row in measured)


def test_engines_that_cannot_run_here_are_built_and_say_no_number(made):
    _, _, record = made
    built = [row for row in record["rows"] if row["backend"].startswith("tensorrt-rtx")]
    assert len(built) == 3
    assert all(row["p50_ms"] is None and row["value"] is None for row in built)
    assert built[2]["achieved"]["int8"] > 0


def test_pictures_video_and_report_are_there(made):
    runs, _, _ = made
    results = runs / "demo" / "results"
    assert len(list(results.glob("pictures/scene-*.png"))) == 6
    assert (results / "video" / "pans.mp4").stat().st_size > 10_000
    page = (runs / "demo" / "report.html").read_text()
    assert page.count("<figure>") == 7  # and the confusion matrix of the classifier
    assert (runs / "demo" / "pareto.png").is_file()


def test_second_run_makes_nothing_again(made):
    runs, words, _ = made
    work = [p for p in runs.rglob("*") if p.is_file() and "demo" not in p.relative_to(runs).parts]
    before = {path: path.stat().st_mtime_ns for path in work}
    assert CliRunner().invoke(app, words).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in work} == before
