"""A run folder as `export` and `calibrate` leave it, with a network of 20 kB."""

from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv.files import sha256_file, write_json
from edgecv.pipeline import RunFolder
from edgecv.ranges import Range, Ranges
from edgecv.recipe import load_recipe

RECIPE = """
model: {file: tiny.onnx}
task: classify
input: {size: [16, 16], mean: [127.5, 127.5, 127.5], std: [63, 63, 63], resize: stretch}
head: {kind: classify, topk: 3}
export: {opset: 17}
"""


def tiny_model(batch=1, channels=16):
    """Three convolutions with ReLU, mean, Gemm -> `logits`; plain fp32, opset 17."""
    rng = np.random.default_rng(0)
    nodes, constants, x, into = [], [], "images", 3
    for index in range(3):
        weight = rng.standard_normal((channels, into, 3, 3)) * np.sqrt(2 / (into * 9))
        constants += [
            numpy_helper.from_array(weight.astype(np.float32), f"w{index}"),
            numpy_helper.from_array(np.full(channels, 0.1, np.float32), f"b{index}"),
        ]
        inputs = [x, f"w{index}", f"b{index}"]
        nodes.append(helper.make_node("Conv", inputs, [f"c{index}"], f"conv{index}", pads=[1] * 4))
        nodes.append(helper.make_node("Relu", [f"c{index}"], [f"r{index}"], f"relu{index}"))
        x, into = f"r{index}", channels
    weight = rng.standard_normal((10, channels)).astype(np.float32)
    constants.append(numpy_helper.from_array(weight, "w"))
    nodes.append(helper.make_node("GlobalAveragePool", [x], ["mean"], "pool"))
    nodes.append(helper.make_node("Flatten", ["mean"], ["flat"], "flatten"))
    nodes.append(helper.make_node("Gemm", ["flat", "w"], ["logits"], "fc", transB=1))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "tiny",
        [value("images", TensorProto.FLOAT, [batch, 3, 16, 16])],
        [value("logits", TensorProto.FLOAT, [batch, 10])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def tiny():
    return tiny_model


@pytest.fixture
def make_run(tmp_path):
    """Write recipe, model.onnx, export.json and ranges.json; returns (recipe, run, recipe_file)."""

    def make(extra="", model=None):
        recipe_file = tmp_path / "recipes" / "tiny.yaml"
        recipe_file.parent.mkdir(exist_ok=True)
        recipe_file.write_text(RECIPE + extra)
        recipe = load_recipe(recipe_file)
        run = RunFolder(tmp_path / "runs", "tiny")
        run.path.mkdir(parents=True, exist_ok=True)
        onnx.save(model or tiny_model(), run.model)
        digest = sha256_file(run.model)
        write_json(
            run.export_json,
            {"model_digest": digest, "recipe_digest": recipe.digest("export")},
        )
        names = ("images", "r0", "r1", "r2", "mean", "flat", "c0", "c1", "c2")
        Ranges(
            method="minmax",
            images=1,
            model_digest=digest,
            data_digest="0" * 64,
            recipe_digest=recipe.digest("calibrate"),
            tensors={name: Range(amax=4.0, low=-4.0, high=4.0) for name in names},
        ).save(run.ranges)
        return SimpleNamespace(recipe=recipe, run=run, file=recipe_file)

    return make
