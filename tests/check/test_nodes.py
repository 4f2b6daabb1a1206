"""Preparing a graph: unique names, shapes, constants; the model given is left alone."""

import numpy as np

from edgecv.check.nodes import nodes_of, opset, prepared, shapes_of


def test_names_become_unique_and_the_model_is_left_alone(onnx_model):
    model = onnx_model("fine")
    for node in model.graph.node:
        node.name = ""
    assert [node.name for node in prepared(model).graph.node] == ["Relu_0", "Conv_1"]
    assert [node.name for node in model.graph.node] == ["", ""]


def test_equal_names_are_told_apart(onnx_model):
    model = onnx_model("fine")
    for node in model.graph.node:
        node.name = "x"
    assert [node.name for node in prepared(model).graph.node] == ["x", "x_again"]


def test_shapes_between_the_ends_are_inferred(onnx_model):
    shape = shapes_of(prepared(onnx_model("fine")))["r"].type.tensor_type.shape
    assert [dim.dim_value for dim in shape.dim] == [1, 3, 16, 16]


def test_rules_see_constants_ranks_and_used_outputs(onnx_model):
    pool = nodes_of(prepared(onnx_model("max-pool-indices")))[0]
    assert (pool.outputs, pool.ranks) == (2, (4,))
    top = nodes_of(prepared(onnx_model("top-k-4000")))[1]
    assert np.array_equal(top.constant(1), [4000])
    assert top.constant(7) is None
    assert opset(onnx_model("top-k-4000")) == 17
