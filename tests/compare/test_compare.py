"""The chain from the exported graph to each engine, on real pictures."""

import json
import shutil

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

from edgecv.bundle import open_bundle, seal
from edgecv.cli.app import app
from edgecv.compare import compare, require_parity
from edgecv.compare.text import as_text
from edgecv.errors import FileError, GateFailed, UnknownName, UsageError


def rows(report):
    return {row["side"]: row for row in report["rows"]}


@pytest.fixture(scope="module")
def report(classifier):
    paths = [classifier.recipe, classifier.bundle("fp32-openvino")]
    paths.append(classifier.bundle("int8-openvino"))
    return compare(paths, images=5, runs=classifier.runs)


def test_chain_goes_from_the_graph_over_each_typed_graph_to_its_engine(report):
    assert (report["reference"], report["images"], report["source"]) == ("onnx", 5, "digits, val")
    chain = [(row["before"], row["side"]) for row in report["rows"]]
    assert chain == [
        ("onnx", "digits/fp32-openvino graph"),
        ("digits/fp32-openvino graph", "digits/fp32-openvino engine"),
        ("onnx", "digits/int8-openvino graph"),
        ("digits/int8-openvino graph", "digits/int8-openvino engine"),
    ]
    require_parity(report)


def test_fp32_is_near_and_int8_is_further(report):
    near = rows(report)["digits/fp32-openvino engine"]["tensors"]["logits"]
    far = rows(report)["digits/int8-openvino graph"]["tensors"]["logits"]
    assert near["sqnr_db"] > 100
    assert 10 < far["sqnr_db"] < 60


def test_nodes_of_the_typed_graph_are_listed_worst_first(report):
    fp32, int8 = report["layers"]
    assert fp32["first"] is None
    values = [node["sqnr_db"] for node in int8["nodes"]]
    assert values == sorted(values)
    assert {node["node"] for node in int8["nodes"] if node["quantized"]} == {
        "c0_conv",
        "c1_conv",
        "logits_map_conv",
    }


def test_report_is_json_and_text(report):
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    text = as_text(report)
    assert "onnx -> digits/int8-openvino graph" in text
    assert "same best class on" in text


def test_detectors_agree_box_by_box(detector):
    report = compare(
        [detector.bundle("fp32-onnxruntime"), detector.bundle("fp32-openvino")], images=3
    )
    agreement = rows(report)["scenes/fp32-openvino engine"]["agreement"]
    assert agreement["boxes"] > 0
    assert agreement["iou90"] >= 0.9
    assert "boxes of both" in as_text(report)


@pytest.fixture
def broken(classifier, tmp_path):
    """An fp32 bundle whose typed graph is not what its engine computes, in one layer."""
    copy = shutil.copytree(classifier.bundle("fp32-onnxruntime"), tmp_path / "broken")
    model = onnx.load(copy / "model.onnx")
    weight = next(w for w in model.graph.initializer if w.name == "c1.weight")
    values = onnx.numpy_helper.to_array(weight) * np.float32(-1)
    weight.CopyFrom(onnx.numpy_helper.from_array(values, "c1.weight"))
    manifest = open_bundle(copy).manifest
    engine = copy / "as-it-was.onnx"
    shutil.copyfile(copy / manifest.engine, engine)
    onnx.save(model, copy / "model.onnx")
    seal(copy, manifest.model_copy(update={"engine": engine.name}))
    return copy


def test_engine_that_computes_something_else_is_exit_4(classifier, broken):
    command = ["compare", str(classifier.recipe), str(broken), "--runs", str(classifier.runs)]
    done = CliRunner().invoke(app, [*command, "--images", "2", "--json"])
    assert done.exit_code == 4
    assert "broken engine does not compute what" in done.stderr
    assert not rows(json.loads(done.stdout))[f"{broken.parent.name}/broken engine"]["ok"]


def test_the_layer_that_diverges_first_is_named(classifier, broken):
    report = compare([classifier.recipe, broken], images=2, runs=classifier.runs)
    assert report["layers"][0]["first"] == "c1_conv"
    with pytest.raises(GateFailed, match="does not compute"):
        require_parity(report)


def test_one_side_is_nothing_to_compare(classifier):
    with pytest.raises(UsageError, match="only one side"):
        compare([classifier.recipe], runs=classifier.runs)


def test_unknown_recipe_and_missing_run_are_named(classifier, tmp_path):
    with pytest.raises(UnknownName, match="unknown recipe"):
        compare([tmp_path / "none.yaml", classifier.bundle("fp32-openvino")])
    with pytest.raises(FileError, match="bundle not found"):
        compare([classifier.recipe, tmp_path / "none"], runs=classifier.runs)


def test_different_heads_are_refused(classifier, detector):
    with pytest.raises(UsageError, match="different heads"):
        compare([classifier.bundle("fp32-openvino"), detector.bundle("fp32-openvino")])
