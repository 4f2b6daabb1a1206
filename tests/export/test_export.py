"""The stage as a whole: what it writes, what it refuses, and that its gate closes."""

from __future__ import annotations

import json
import shutil

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgecv.errors import (
    FileError,
    GateFailed,
    RecipeError,
    StaleError,
    UsageError,
)
from edgecv.export import export, network
from edgecv.files import sha256_file
from edgecv.graph.parity import Reference
from edgecv.graph.read import load_graph, opset, tensors
from edgecv.zoo.registry import create
from edgecv.zoo.weights import write_weights

from .conftest import tiny


def test_outputs_are_the_roles_and_the_record_tells_the_truth(centernet):
    recipe, run, record = centernet
    model = load_graph(run.model)
    onnx.checker.check_model(model, full_check=True)
    inputs, outputs = tensors(model)
    assert [(item.name, item.shape) for item in inputs] == [("images", (1, 3, 64, 64))]
    assert [item.name for item in outputs] == list(recipe.head.roles)
    assert opset(model) == record["opset"] == 20
    assert record == json.loads(run.export_json.read_text())
    assert record["model_digest"] == sha256_file(run.model)
    assert record["recipe_digest"] == recipe.digest("export")
    assert record["parity"]["images"] == 8
    assert record["parity"]["inputs"] == "held-out pictures of scenes"
    gaps = record["parity"]["outputs"]
    assert [gap["name"] for gap in gaps] == list(recipe.head.roles)
    assert all(0 < gap["relative"] < 1e-5 for gap in gaps)  # exactly 0 would be no measurement


def test_model_names_nothing_of_this_machine(centernet, resnet):
    content = centernet.run.model.read_bytes() + resnet.run.model.read_bytes()
    for trace in (b".py", b"/work", b"/home", b"/usr", b"site-packages", b"stack_trace"):
        assert trace not in content


def test_opset_17_with_dynamic_batch_holds_nothing_newer(resnet):
    model = load_graph(resnet.run.model)
    assert opset(model) == resnet.record["opset"] == 17
    assert model.ir_version == 8
    for node in model.graph.node:
        schema = onnx.defs.get_schema(node.op_type, 17)
        assert {item.name for item in node.attribute} <= set(schema.attributes)
        assert len(node.input) <= schema.max_input
    onnx.checker.check_model(model, full_check=True)
    assert tensors(model)[0][0].shape[0] == -1
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert resnet.record["parity"]["batches"] == [1, 4]
    feeds = np.zeros((3, *tensors(model)[0][0].shape[1:]), np.float32)
    assert Reference(model)({"images": feeds})["logits"].shape == (3, 10)


def test_same_weights_give_the_same_bytes(resnet, tmp_path):
    out = tmp_path / "deep" / "net.onnx"
    record = export(resnet.recipe, resnet.run, weights="random:1", out=out, opset=17)
    assert record["model_digest"] == resnet.record["model_digest"] == sha256_file(out)
    assert json.loads((out.parent / "net.export.json").read_text()) == record
    assert sorted(path.name for path in out.parent.iterdir()) == ["net.export.json", "net.onnx"]


@pytest.fixture
def mutant(centernet, monkeypatch):
    """The exporter replaced by one that changes a weight by `factor`."""

    def set_factor(factor):
        def trace(*_):
            model = load_graph(centernet.run.model)
            weight = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
            changed = numpy_helper.to_array(weight) * np.float32(factor)
            weight.CopyFrom(numpy_helper.from_array(changed, weight.name))
            return model

        monkeypatch.setattr(network, "trace", trace)

    return set_factor


def test_gate_closes_on_a_changed_weight_and_opens_on_none(centernet, mutant, run):
    mutant(1.0)
    assert export(centernet.recipe, run, weights="random:1")["passed"] is True
    before = run.model.read_bytes()
    mutant(1.01)
    with pytest.raises(GateFailed, match=r"torch and ONNX Runtime disagree[\s\S]*limit: 0.0001"):
        export(centernet.recipe, run, weights="random:1")
    record = json.loads(run.export_json.read_text())
    assert record["passed"] is False
    assert record["model_digest"] == ""  # so a build refuses the model that still lies there
    assert max(gap["relative"] for gap in record["parity"]["outputs"]) > 1e-4
    assert run.model.read_bytes() == before


def test_gate_closes_on_not_a_number(centernet, mutant, run):
    mutant(np.nan)
    with pytest.raises(GateFailed, match="disagree"):
        export(centernet.recipe, run, weights="random:1")
    gaps = json.loads(run.export_json.read_text())["parity"]["outputs"]
    assert gaps[0] == {"name": "heatmap", "absolute": None, "relative": None}
    assert not run.model.exists()


def test_weights_of_another_recipe_are_stale_unless_named(centernet, mutant, run):
    mutant(1.0)
    recipe = centernet.recipe
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        state = create("centernet_tiny", classes=10).state_dict()
    write_weights(run.weights, state, {"recipe_digest": "0" * 64, "step": "7"})
    with pytest.raises(StaleError, match=r"another recipe[\s\S]*fix: edgecv train"):
        export(recipe, run)
    assert sorted(path.name for path in run.path.iterdir()) == ["weights.safetensors"]
    named = export(recipe, run, weights=run.weights)
    assert named["weights"] == {"source": "weights.safetensors", "step": "7"}
    write_weights(run.weights, state, {"recipe_digest": recipe.digest("train"), "step": "9"})
    fresh = export(recipe, run)
    assert fresh["weights"] == {"source": "run", "step": "9"}
    assert fresh["weights_digest"] == sha256_file(run.weights)


def test_missing_weights_are_never_replaced_by_random_ones(run):
    with pytest.raises(FileError, match=r"trained weights not found[\s\S]*fix: edgecv train"):
        export(tiny("tiny/resnet"), run)
    assert not run.path.exists()


@pytest.mark.parametrize("number", [16, 26])
def test_opset_outside_what_is_written_is_refused(run, number):
    with pytest.raises(UsageError, match=r"17\.\.25"):
        export(tiny("tiny/resnet"), run, weights="random:0", opset=number)


def test_foreign_file_is_adopted_and_held_to_itself(resnet, tmp_path, run):
    shutil.copy(resnet.run.model, tmp_path / "net.onnx")
    recipe = tmp_path / "net.yaml"
    recipe.write_text(
        "model: {file: net.onnx}\ntask: classify\n"
        f"input: {{size: {list(resnet.recipe.input.size)}}}\nhead: {{kind: classify}}\n"
    )
    from edgecv.recipe import load_recipe

    record = export(load_recipe(recipe), run)
    assert record["parity"]["against"] == "the foreign file"
    assert record["parity"]["inputs"] == "photographs of scikit-image"
    assert record["weights_digest"] == resnet.record["model_digest"]
    assert record["foreign"] == {"file": "net.onnx", "opset": 17}
    assert tensors(load_graph(run.model))[0][0].shape[0] == 1
    wrong = load_recipe(recipe, ["head.outputs={logits: prob}"])
    with pytest.raises(RecipeError, match=r"no output plays the role 'logits'[\s\S]*logits"):
        export(wrong, run)


def test_foreign_file_keeps_its_opset_unless_an_older_one_is_asked_for(centernet, tmp_path, run):
    from edgecv.recipe import load_recipe

    shutil.copy(centernet.run.model, tmp_path / "net.onnx")
    recipe = tmp_path / "net.yaml"
    recipe.write_text(
        "model: {file: net.onnx}\ntask: detect\ninput: {size: [64, 64]}\nhead: {kind: centernet}\n"
    )
    assert export(load_recipe(recipe), run)["opset"] == 20
    assert export(load_recipe(recipe, ["export.opset=25"]), run)["opset"] == 20
    assert export(load_recipe(recipe), run, opset=17)["opset"] == 17
    assert load_graph(run.model).ir_version == 8
