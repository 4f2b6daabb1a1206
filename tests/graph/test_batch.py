"""Batch and image size are written into a graph, or refused with what the graph is fixed to."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv.errors import ShapeError
from edgecv.graph.batch import set_shape
from edgecv.graph.read import tensors

F = TensorProto.FLOAT


def flattened(sides=(2, 3, 4, 5), target=(2, -1), **attributes):
    """y = Reshape(x, target); the graph also holds a shape that followed from the old batch."""
    stored = numpy_helper.from_array(np.int64(target), "target")
    node = helper.make_node("Reshape", ["x", "target"], ["y"], **attributes)
    x = helper.make_tensor_value_info("x", F, sides)
    y = helper.make_tensor_value_info("y", F, [2, 60])
    graph = helper.make_graph([node], "g", [x], [y], [stored], value_info=[y])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def target_of(model):
    """The values the Reshape reads now."""
    stored = {t.name: t for t in model.graph.initializer}
    return numpy_helper.to_array(stored[model.graph.node[0].input[1]]).tolist()


@pytest.mark.parametrize(
    ("batch", "first", "param", "target"),
    [
        pytest.param((2, 2, 2), 2, "", [2, -1], id="kept"),
        pytest.param((3, 3, 3), 3, "", [0, -1], id="fixed"),
        pytest.param((1, 2, 4), -1, "batch", [0, -1], id="dynamic"),
    ],
)
def test_batch_reaches_the_input_and_the_reshape(batch, first, param, target):
    model = flattened()
    set_shape(model, "x", batch, None)
    assert tensors(model)[0][0].shape == (first, 3, 4, 5)
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == param
    assert target_of(model) == target
    assert not model.graph.value_info
    assert tensors(model)[1][0].shape == (-1, -1)  # known again after inference


KEPT = [
    pytest.param((3, -1), {}, id="starts-with-another-number"),
    pytest.param((2, -1), {"allowzero": 1}, id="zero-means-zero"),
    pytest.param((2,), {}, id="one-dimension"),
]


@pytest.mark.parametrize(("target", "attributes"), KEPT)
def test_reshape_that_does_not_name_the_batch_is_left_alone(target, attributes):
    model = flattened(target=target, **attributes)
    set_shape(model, "x", (1, 1, 1), None)
    assert target_of(model) == list(target)


def test_target_that_two_reshapes_share_is_changed_for_both():
    model = flattened()
    second = helper.make_node("Reshape", ["x", "target"], ["z"])
    constant = helper.make_node("Reshape", ["weight", "target"], ["c"])
    model.graph.node.extend([second, constant])
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((2, 2), np.float32), "weight"))
    set_shape(model, "x", (1, 2, 4), None)
    read = [node.input[1] for node in model.graph.node]
    assert len(set(read)) == 3
    assert read[2] == "target"  # a weight has no batch: its shape stays


def test_open_sides_are_given_and_fixed_ones_must_agree():
    model = flattened(sides=(1, 3, "h", 5))
    with pytest.raises(ShapeError, match=r"leaves the image size open\n  input: x"):
        set_shape(model, "x", (1, 1, 1), None)
    with pytest.raises(ShapeError, match=r"graph height width: \(0, 5\)[\s\S]*\(4, 6\)"):
        set_shape(model, "x", (1, 1, 1), (4, 6))
    set_shape(model, "x", (1, 1, 1), (4, 5))
    assert tensors(model)[0][0].shape == (1, 3, 4, 5)
