"""Tiny ONNX files: a classifier in fp32, in typed fp16, and with Q/DQ as TensorRT takes it."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv.engines import trt_run
from edgecv.engines.trt_run import TensorRtEngine
from tests.cuda.device import install
from tests.engines.fake_tensorrt import FakeTensorRT


def _weights(rng, channels, layers):
    sizes = [3, *[channels] * layers]
    convs = [
        rng.standard_normal((out, into, 3, 3)).astype(np.float32) * np.sqrt(2 / (into * 9))
        for into, out in pairwise(sizes)
    ]
    return [w.astype(np.float32) for w in convs], rng.standard_normal((10, channels)).astype(
        np.float32
    )


class _Graph:
    def __init__(self, dtype):
        self.nodes, self.initializers, self.dtype = [], {}, dtype

    def constant(self, name, value):
        self.initializers.setdefault(name, numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(
            helper.make_node(kind, inputs, [output], name=f"{output}_{kind}", **attributes)
        )
        return output

    def quantized(self, name):
        scale, zero = (
            self.constant(f"{name}_s", np.float32(4 / 127)),
            self.constant("z", np.int8(0)),
        )
        q = self.node("QuantizeLinear", [name, scale, zero], f"{name}_q")
        return self.node("DequantizeLinear", [q, scale, zero], f"{name}_dq")

    def quantized_weight(self, name, value):
        scale = (np.abs(value.reshape(len(value), -1)).max(1) / 127).astype(np.float32)
        ints = np.round(value / scale.reshape(-1, *[1] * (value.ndim - 1))).astype(np.int8)
        inputs = [
            self.constant(f"{name}_q", ints),
            self.constant(f"{name}_s", scale),
            self.constant(f"{name}_z", np.zeros(len(scale), np.int8)),
        ]
        return self.node("DequantizeLinear", inputs, f"{name}_dq", axis=0)


def tiny_net(kind="fp32", batch=1, size=16, channels=16, layers=3):
    """Convolutions, ReLU, mean, Gemm -> `logits`; `kind`: fp32, fp16 or int8; batch may be "n"."""
    convs, last = _weights(np.random.default_rng(0), channels, layers)
    dtype = np.float16 if kind == "fp16" else np.float32
    graph, x = _Graph(dtype), "images"
    if kind == "fp16":
        x = graph.node("Cast", [x], "half", to=TensorProto.FLOAT16)

    def pair(x, name, value):
        if kind == "int8":
            return [graph.quantized(x), graph.quantized_weight(name, value)]
        return [x, graph.constant(name, value.astype(dtype))]

    for index, weight in enumerate(convs):
        bias = graph.constant(f"b{index}", np.full(channels, 0.1, dtype))
        x = graph.node("Conv", [*pair(x, f"w{index}", weight), bias], f"c{index}", pads=[1] * 4)
        x = graph.node("Relu", [x], f"r{index}")
    x = graph.node("Flatten", [graph.node("GlobalAveragePool", [x], "mean")], "flat")
    bias = graph.constant("b", np.zeros(10, dtype))
    end = "half_logits" if kind == "fp16" else "logits"
    graph.node("Gemm", [*pair(x, "w", last), bias], end, transB=1)
    if kind == "fp16":
        graph.node("Cast", [end], "logits", to=TensorProto.FLOAT)
    made = helper.make_graph(
        graph.nodes,
        kind,
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, size, size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 10])],
        list(graph.initializers.values()),
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    return model


@pytest.fixture
def save_net(tmp_path):
    """Write a tiny net; returns its path."""

    def save(kind="fp32", **options) -> Path:
        path = tmp_path / f"{kind}.onnx"
        onnx.save(tiny_net(kind, **options), path)
        return path

    return save


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Load a plan on a fake machine; returns (engine, fake TensorRT, fake driver)."""
    file = tmp_path / "engine.plan"
    file.write_bytes(b"the plan")

    def make(version, *, streams=1, **fake):
        cuda = install(monkeypatch)
        trt = FakeTensorRT(version, device=cuda, **fake)
        monkeypatch.setattr(trt_run, "import_tensorrt", lambda flavour, to_build: trt)
        flavour = "tensorrt-rtx" if version.startswith("rtx") else "tensorrt"
        return TensorRtEngine(file, flavour, streams=streams), trt, cuda

    return make
