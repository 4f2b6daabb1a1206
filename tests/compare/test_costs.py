"""One node at a time in float: what comes back is what that node costs."""

import json
import shutil

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

from edgecv.build.precision import type_model
from edgecv.calibrate import calibrate
from edgecv.cli.app import app
from edgecv.compare import compare
from edgecv.compare.costs import node_costs
from edgecv.compare.text import as_text
from edgecv.errors import UnsupportedModel, UsageError
from edgecv.graph.read import load_graph, save_graph


@pytest.fixture
def batches(rng):
    return list(rng.standard_normal((3, 1, 3, 16, 16)).astype(np.float32))


@pytest.fixture
def ranges(classifier, batches):
    return calibrate(classifier.folder / "model.onnx", batches, "minmax")


def typed(classifier, ranges, folder, keep=()):
    model = load_graph(classifier.folder / "model.onnx")
    precision = "mixed" if keep else "int8"
    graph = type_model(model, precision, ranges=ranges, keep=keep).model
    return save_graph(graph, folder / f"{'-'.join(keep) or 'int8'}.onnx")


@pytest.mark.parametrize("node", ["c0_conv", "c1_conv", "logits_map_conv"])
def test_leaving_a_node_in_float_is_what_build_keep_does(
    classifier, ranges, batches, tmp_path, node
):
    full = classifier.folder / "model.onnx"
    found = node_costs(full, typed(classifier, ranges, tmp_path), batches)
    kept = node_costs(full, typed(classifier, ranges, tmp_path, (node,)), batches)
    (cost,) = [cost for cost in found.nodes if cost.node == node]
    assert cost.sqnr_db == pytest.approx(kept.sqnr_db, abs=1e-3)
    assert cost.gain_db == pytest.approx(kept.sqnr_db - found.sqnr_db, abs=1e-3)
    assert {cost.node for cost in kept.nodes} == {cost.node for cost in found.nodes} - {node}


def test_a_node_with_a_bad_threshold_comes_first(classifier, ranges, batches, tmp_path):
    model = load_graph(classifier.folder / "model.onnx")
    second = next(node for node in model.graph.node if node.name == "c1_conv")
    table = dict(ranges.tensors)
    table[second.input[0]] = table[second.input[0]].model_copy(update={"amax": 0.05})
    bad = ranges.model_copy(update={"tensors": table})
    found = node_costs(classifier.folder / "model.onnx", typed(classifier, bad, tmp_path), batches)
    assert found.nodes[0].node == "c1_conv"
    assert found.nodes[0].gain_db > 10
    assert all(cost.gain_db < 1 for cost in found.nodes[1:])


def test_graphs_that_do_not_belong_together_are_refused(classifier, ranges, batches, tmp_path):
    int8 = typed(classifier, ranges, tmp_path)
    model = onnx.load(classifier.folder / "model.onnx")
    for node in model.graph.node:
        names = [f"other/{name}" if name == "c1" else name for name in node.input]
        made = [f"other/{name}" if name == "c1" else name for name in node.output]
        node.input[:], node.output[:] = names, made
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(UnsupportedModel, match="not made from this fp32 graph"):
        node_costs(tmp_path / "other.onnx", int8, batches)


def test_costs_are_written_into_the_bundle_and_printed(classifier, tmp_path):
    bundle = shutil.copytree(classifier.bundle("int8-openvino"), tmp_path / "int8-openvino")
    paths = [classifier.recipe, bundle]
    report = compare(paths, images=2, runs=classifier.runs, costs=True)
    (item,) = report["costs"]
    assert json.loads((bundle / "costs.json").read_text()) == item
    gains = [node["gain_db"] for node in item["nodes"]]
    assert len(gains) == 3
    assert gains == sorted(gains, reverse=True)
    text = as_text(report)
    assert "with one node left in float" in text
    assert f"--set build.keep=[{item['nodes'][0]['node']}" in text


def test_without_int8_there_is_no_cost(classifier):
    command = ["compare", str(classifier.recipe), str(classifier.bundle("fp32-openvino"))]
    done = CliRunner().invoke(app, [*command, "--runs", str(classifier.runs), "--costs"])
    assert done.exit_code == 2
    assert "the cost of int8" in done.stderr
    with pytest.raises(UsageError, match="the cost of int8"):
        compare(
            [classifier.bundle("int8-openvino"), classifier.bundle("fp32-openvino")], costs=True
        )
