"""Graphs the build tests share: a residual net with every operator int8 has a rule for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from edgecv.ranges import Range, Ranges

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
