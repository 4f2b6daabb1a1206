"""A bundle says what it is, and what runs in what precision."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from edgecv.bundle import open_bundle, seal
from edgecv.cli.app import app
from edgecv.errors import FileError
from edgecv.head import HeatmapHead, PatchHead, SegmentHead
from edgecv.inspect import as_text, inspect


@pytest.fixture
def int8(classifier):
    return classifier.bundle("int8-openvino")


def test_precision_asked_and_achieved_stand_side_by_side(int8):
    report = inspect(int8)
    assert report["precision"]["asked"] == "int8"
    assert report["precision"]["quantized"] == 3
    assert report["precision"]["achieved"]["int8"] == 3
    convolutions = [row for row in report["layers"] if row["type"].startswith("Conv")]
    assert {(row["asked"], row["achieved"]) for row in convolutions} == {("int8", "int8")}


def test_fp32_asks_fp32_of_every_layer(classifier):
    rows = inspect(classifier.bundle("fp32-onnxruntime"))["layers"]
    assert rows
    assert {row["asked"] for row in rows} == {"fp32"}


@pytest.mark.parametrize(
    ("head", "said"),
    [
        pytest.param(HeatmapHead(skeleton="coco17"), "head heatmap, 17 joints", id="pose"),
        pytest.param(
            HeatmapHead(skeleton="own"), "head heatmap, joints shown by number", id="own-joints"
        ),
        pytest.param(PatchHead(), "head features, descriptors, no classes", id="features"),
        pytest.param(SegmentHead(), "head segment, classes shown by number", id="nameless"),
        pytest.param(SegmentHead(names=("sky", "sea")), "2 named classes", id="segment"),
    ],
)
def test_what_results_are_called_by_is_true_of_the_task(classifier, tmp_path, head, said):
    folder = shutil.copytree(classifier.bundle("fp32-onnxruntime"), tmp_path / "b")
    manifest = open_bundle(folder).manifest
    seal(folder, manifest.model_copy(update={"head": head, "task": head.task}))
    report = inspect(folder)
    assert said in as_text(report)
    assert report["joints"] == (17 if "17" in said else 0)
    assert report["classes"] == (2 if head.names else 0)


def test_files_digests_and_sizes_are_those_on_disk(int8):
    report = inspect(int8)
    assert set(report["files"]) == {p.name for p in int8.iterdir()} - {"manifest.json"}
    size = sum((int8 / name).stat().st_size for name in report["files"])
    assert report["mib"] == pytest.approx(size / (1 << 20), abs=0.01)
    assert len(report["digests"]["model"]) == 64


def test_what_other_stages_wrote_is_shown(int8, tmp_path):
    copy = shutil.copytree(int8, tmp_path / "b")
    (copy / "accuracy.json").write_text(
        '{"metric": "top1", "value": 0.5, "interval": [0.25, 0.75], "n": 12}'
    )
    (copy / "latency.json").write_text('{"end_to_end": {"p50_ms": 1.5, "p90_ms": 2.0}}')
    text = as_text(inspect(copy))
    assert "top1 0.5000 [0.2500, 0.7500] on 12 images" in text
    assert "p50 1.50 ms, p90 2.00 ms" in text
    assert "not judged yet" in as_text(inspect(int8))


def test_verb_prints_json_and_layers_only_when_asked(int8):
    short = json.loads(CliRunner().invoke(app, ["inspect", str(int8), "--json"]).stdout)
    full = CliRunner().invoke(app, ["inspect", str(int8), "--json", "--layers"]).stdout
    assert "layers" not in short
    assert json.loads(full)["layers"]


def test_text_lists_layers_and_marks_those_that_differ(int8):
    report = inspect(int8)
    report["layers"][0] |= {"asked": "int8", "achieved": "fp32"}
    text = as_text(report, layers=True)
    assert text.count("<- differs") == 1
    assert "runs on   any CPU with the package openvino" in text


def test_changed_bundle_is_refused_with_exit_code_2(int8, tmp_path):
    copy = shutil.copytree(int8, tmp_path / "b")
    with (copy / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(FileError, match="changed after it was built"):
        inspect(copy)
    assert CliRunner().invoke(app, ["inspect", str(copy)]).exit_code == 2
