"""Graphs the build tests share, and a run folder as `export` and `calibrate` leave it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv.files import sha256_file, write_json
from edgecv.pipeline import RunFolder
from edgecv.ranges import Range, Ranges
from edgecv.recipe import load_recipe

Model = onnx.ModelProto


def _weights(rng: np.random.Generator) -> list[onnx.TensorProto]:
    shapes = {
        "w1": (8, 3, 3, 3), "b1": (8,), "gamma": (8,), "beta": (8,), "mean": (8,),
        "w2": (8, 8, 3, 3), "w3": (8, 8, 3, 3), "b3": (8,), "wd": (8, 1, 3, 3),
        "wt": (8, 4, 2, 2), "fc": (5, 4), "fcb": (5,), "mm": (5, 6),
    }  # fmt: skip
    values = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    values["var"] = rng.uniform(0.5, 2, 8).astype(np.float32)
    values["w2"][3] = 0  # a dead channel
    return [numpy_helper.from_array(value, name) for name, value in values.items()]


def _nodes() -> list[onnx.NodeProto]:
    def node(op: str, inputs: str, output: str, **attributes: object) -> onnx.NodeProto:
        return helper.make_node(op, inputs.split(), [output], name=f"n_{output}", **attributes)

    pads = {"pads": [1, 1, 1, 1]}
    return [
        node("Conv", "images w1 b1", "c1", **pads),
        node("BatchNormalization", "c1 gamma beta mean var", "n1"),
        node("Relu", "n1", "r1"),
        node("MaxPool", "r1", "p1", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "p1 w2", "c2", **pads),
        node("Relu", "c2", "r2"),
        node("Conv", "r2 w3 b3", "c3", **pads),
        node("Add", "p1 c3", "sum"),
        node("Relu", "sum", "r3"),
        node("Conv", "r3 wd", "c4", group=8, **pads),
        node("ConvTranspose", "c4 wt", "up", kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", "up", "pooled"),
        node("Flatten", "pooled", "flat"),
        node("Gemm", "flat fc fcb", "scores", transB=1),
        node("MatMul", "scores mm", "logits"),
    ]


@pytest.fixture
def residual(rng: np.random.Generator) -> Model:
    """images (1, 3, 16, 16) -> logits (1, 6), opset 20; every rule of int8 applies somewhere."""
    graph = helper.make_graph(
        _nodes(),
        "residual",
        [helper.make_tensor_value_info("images", 1, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("logits", 1, [1, 6])],
        _weights(rng),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


@pytest.fixture
def image(rng: np.random.Generator) -> np.ndarray:
    """(1, 3, 16, 16) float32."""
    return rng.normal(size=(1, 3, 16, 16)).astype(np.float32)


def execute(model: Model, image: np.ndarray) -> list[np.ndarray]:
    """Outputs of ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {session.get_inputs()[0].name: image})


@pytest.fixture
def run() -> Callable[[Model, np.ndarray], list[np.ndarray]]:
    """ONNX Runtime's outputs of a model."""
    return execute


@pytest.fixture
def measured() -> Callable[[Model, tuple[str, ...], np.ndarray], Ranges]:
    """A min-max table of the named tensors, from one image."""

    def measure(model: Model, tensors: tuple[str, ...], image: np.ndarray) -> Ranges:
        probe = onnx.ModelProto()
        probe.CopyFrom(model)
        named = [name for name in tensors if name != model.graph.input[0].name]
        known = {value.name for value in probe.graph.output}
        del probe.graph.output[:]
        probe.graph.output.extend(helper.make_tensor_value_info(n, 1, None) for n in named)
        assert not known & set(tensors)
        seen = dict(zip(named, execute(probe, image), strict=True))
        seen[model.graph.input[0].name] = image
        table = {
            name: Range(amax=float(np.abs(v).max()), low=float(v.min()), high=float(v.max()))
            for name, v in seen.items()
        }
        return Ranges(method="minmax", images=1, model_digest="", data_digest="", tensors=table)

    return measure


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
