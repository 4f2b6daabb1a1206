"""One-node models TensorRT refuses, and some it builds."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

F, INT = TensorProto.FLOAT, TensorProto.INT64
IMAGE = ("x", F, [1, 3, 16, 16])
RELU = helper.make_node("Relu", ["x"], ["r"], name="before")


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, name=f"the_{op}", **attributes)


def model(nodes, inputs, outputs, constants=(), opset=17):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def max_pool_indices():
    nodes = [
        node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2], strides=[2, 2]),
        node("MaxUnpool", ["y", "i"], ["o"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    return model(nodes, [IMAGE], [("o", F, [1, 3, 16, 16])])


def dilated_max_pool():
    pool = node("MaxPool", ["r"], ["o"], kernel_shape=[3, 3], dilations=[2, 2])
    return model([RELU, pool], [IMAGE], [("o", F, [1, 3, 12, 12])])


def non_zero():
    nodes = [RELU, node("NonZero", ["r"], ["o"])]
    return model(nodes, [("x", F, [4, 4])], [("o", INT, [2, "n"])])


def top_k(k):
    nodes = [RELU, node("TopK", ["r", "k"], ["v", "i"])]
    outputs = [("v", F, [1, k]), ("i", INT, [1, k])]
    return model(nodes, [("x", F, [1, 8000])], outputs, [("k", np.int64([k]))])


def nms():
    nodes = [RELU, node("NonMaxSuppression", ["r", "s", "m", "t"], ["o"])]
    inputs = [("x", F, [1, 10, 4]), ("s", F, [1, 2, 10])]
    constants = [("m", np.int64([5])), ("t", np.float32([0.5]))]
    return model(nodes, inputs, [("o", INT, ["n", 3])], constants)


def roi_align():
    nodes = [RELU, node("RoiAlign", ["r", "b", "n"], ["o"], output_height=2, output_width=2)]
    inputs = [IMAGE, ("b", F, [2, 4]), ("n", INT, [2])]
    return model(nodes, inputs, [("o", F, [2, 3, 2, 2])])


def resize_antialias():
    nodes = [RELU, node("Resize", ["r", "", "s"], ["o"], mode="linear", antialias=1)]
    scales = [("s", np.float32([1, 1, 0.5, 0.5]))]
    return model(nodes, [IMAGE], [("o", F, [1, 3, 8, 8])], scales, opset=18)


def zero_point():
    nodes = [
        RELU,
        node("QuantizeLinear", ["r", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "z"], ["o"]),
    ]
    constants = [("s", np.float32(0.1)), ("z", np.int8(3))]
    return model(nodes, [IMAGE], [("o", F, [1, 3, 16, 16])], constants)


def int32_bias():
    nodes = [
        node("DequantizeLinear", ["b", "s"], ["d"]),
        helper.make_node("Add", ["x", "d"], ["o"], name="add"),
    ]
    constants = [("b", np.int32([1, 2, 3]).reshape(3, 1, 1)), ("s", np.float32(0.1))]
    return model(nodes, [IMAGE], [("o", F, [1, 3, 16, 16])], constants)


def affine_grid():
    nodes = [node("AffineGrid", ["x", "k"], ["o"])]
    size = [("k", np.int64([1, 3, 8, 8]))]
    return model(nodes, [("x", F, [1, 2, 3])], [("o", F, [1, 8, 8, 2])], size, opset=20)


def deform_conv():
    nodes = [node("DeformConv", ["x", "w", "f"], ["o"])]
    inputs = [IMAGE, ("f", F, [1, 18, 14, 14])]
    weights = [("w", np.zeros((4, 3, 3, 3), np.float32))]
    return model(nodes, inputs, [("o", F, [1, 4, 14, 14])], weights, opset=19)


def _convolution(batch):
    conv = node("Conv", ["r", "w"], ["o"], kernel_shape=[3, 3])
    weights = [("w", np.ones((2, 3, 3, 3), np.float32))]
    ends = [("x", F, [batch, 3, 16, 16])], [("o", F, [batch, 2, 14, 14])]
    return model([RELU, conv], *ends, weights)


def two_kinds():
    """A refusal of the builder hidden behind one of the parser, and a fine branch."""
    graph = nms()
    graph.graph.node.extend(
        [
            helper.make_node("MaxPool", ["s"], ["p"], "dilated", kernel_shape=[3], dilations=[2]),
            helper.make_node("Relu", ["s"], ["f"], "fine"),
        ]
    )
    graph.graph.output.extend(
        [
            helper.make_tensor_value_info("p", F, [1, 2, 6]),
            helper.make_tensor_value_info("f", F, [1, 2, 10]),
        ]
    )
    return graph


MODELS = {
    "max-pool-indices": max_pool_indices,
    "dilated-max-pool": dilated_max_pool,
    "non-zero": non_zero,
    "top-k-4000": lambda: top_k(4000),
    "top-k-3840": lambda: top_k(3840),
    "nms": nms,
    "roi-align": roi_align,
    "resize-antialias": resize_antialias,
    "zero-point": zero_point,
    "int32-bias": int32_bias,
    "affine-grid": affine_grid,
    "deform-conv": deform_conv,
    "two-kinds": two_kinds,
    "fine": lambda: _convolution(1),
    "open-batch": lambda: _convolution("batch"),
}


@pytest.fixture
def onnx_model():
    """Name -> ModelProto."""
    return lambda name: MODELS[name]()


@pytest.fixture
def onnx_file(tmp_path):
    """Name -> file."""

    def write(name):
        path = tmp_path / f"{name}.onnx"
        onnx.save(MODELS[name](), path)
        return path

    return write
