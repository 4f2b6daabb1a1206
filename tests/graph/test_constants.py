"""Constants become initialisers, and only those that can."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv.errors import UnsupportedModel
from edgecv.graph import constants
from edgecv.graph.adopt import normalise
from edgecv.graph.constants import drop_unread, drop_weight_inputs, fold_constants
from edgecv.graph.read import tensors

F = TensorProto.FLOAT


def graph_of(*nodes, weights=None, outputs=("y",), ir_version=8):
    """The nodes before y = x + c."""
    stored = [numpy_helper.from_array(np.asarray(v), k) for k, v in (weights or {}).items()]
    x = helper.make_tensor_value_info("x", F, [2])
    ends = [helper.make_tensor_value_info(name, F, [2]) for name in outputs]
    last = helper.make_node("Add", ["x", "c"], ["y"])
    graph = helper.make_graph([*nodes, last], "g", [x], ends, stored)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, ir_version=ir_version, opset_imports=opset)


def values(model):
    return {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}


def test_weights_are_no_inputs_and_the_format_allows_that():
    model = graph_of(weights={"c": np.float32([1, 2])}, ir_version=3)
    model.graph.input.append(helper.make_tensor_value_info("c", F, [2]))
    drop_weight_inputs(model)
    assert [value.name for value in model.graph.input] == ["x"]
    assert model.ir_version == 4  # version 3 lists every initialiser as an input
    model.ir_version = 9
    drop_weight_inputs(model)
    assert model.ir_version == 9


CONSTANTS = [
    pytest.param({"value_float": 1.5}, np.float32(1.5), id="float"),
    pytest.param({"value_floats": [1.0, 2.0]}, np.float32([1, 2]), id="floats"),
    pytest.param({"value_int": 7}, np.int64(7), id="int"),
    pytest.param({"value_ints": [3, 4]}, np.int64([3, 4]), id="ints"),
    pytest.param(
        {"value": numpy_helper.from_array(np.float16([[5, 6]]))}, np.float16([[5, 6]]), id="tensor"
    ),
]


@pytest.mark.parametrize(("attribute", "expected"), CONSTANTS)
def test_every_kind_of_constant_is_stored_with_its_type(attribute, expected):
    model = graph_of(helper.make_node("Constant", [], ["c"], **attribute))
    fold_constants(model)
    found = values(model)["c"]
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found, expected)
    assert [node.op_type for node in model.graph.node] == ["Add"]


def test_shape_that_is_itself_a_constant_is_filled():
    fill = numpy_helper.from_array(np.float32([0.25]))
    model = graph_of(
        helper.make_node("Constant", [], ["s"], value_ints=[2]),
        helper.make_node("ConstantOfShape", ["s"], ["c"], value=fill),
        helper.make_node("ConstantOfShape", ["s"], ["zeros"]),
    )
    fold_constants(model)
    np.testing.assert_array_equal(values(model)["c"], np.float32([0.25, 0.25]))
    np.testing.assert_array_equal(values(model)["zeros"], np.float32([0, 0]))


def test_outputs_texts_foreign_operators_and_unknown_shapes_stay_nodes():
    kept = [
        helper.make_node("Constant", [], ["z"], value_floats=[1.0, 2.0]),  # an output of the graph
        helper.make_node("Constant", [], ["t"], value=helper.make_tensor("t", 8, [1], [b"a"])),
        helper.make_node("Constant", [], ["u"], value_string="a"),
        helper.make_node("Constant", [], ["v"], domain="other", value_int=1),
        helper.make_node("ConstantOfShape", ["x"], ["w"]),
    ]
    model = graph_of(*kept, weights={"c": np.float32([1, 2])}, outputs=("y", "z"))
    before = model.SerializeToString()
    fold_constants(model)
    assert model.SerializeToString() == before
    assert [item.name for item in tensors(model)[1]] == ["y", "z"]


BROKEN = [  # all pass onnx's checker
    pytest.param("Constant", {}, [], id="no-value"),
    pytest.param("ConstantOfShape", {}, np.float32([np.nan]), id="shape-of-floats"),
    pytest.param(
        "ConstantOfShape",
        {"value": numpy_helper.from_array(np.float32([]))},
        np.int64([2]),
        id="nothing-to-fill-with",
    ),
]


@pytest.mark.parametrize(("kind", "attributes", "shape"), BROKEN)
def test_broken_constant_stays_for_onnxruntime_to_refuse(kind, attributes, shape):
    inputs = ["s"] if len(shape) else []
    node = helper.make_node(kind, inputs, ["c"], **attributes)
    model = graph_of(node, weights={"s": shape} if inputs else {})
    onnx.checker.check_model(model)
    fold_constants(model)
    assert [node.op_type for node in model.graph.node] == [kind, "Add"]
    with pytest.raises(UnsupportedModel, match=r"ONNX Runtime cannot load|contradict"):
        normalise(model)


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param([1 << 40], id="huge"),
        pytest.param([1 << 40, 1 << 40], id="overflowing"),
        pytest.param([-2], id="negative"),
    ],
)
def test_constant_that_fits_no_file_is_refused(shape):
    node = helper.make_node("ConstantOfShape", ["s"], ["c"], name="fill")
    model = graph_of(node, weights={"s": np.int64(shape)})
    with pytest.raises(UnsupportedModel, match=r"does not fit one ONNX file\n  node: fill"):
        fold_constants(model)


def test_constants_share_the_room_of_one_file(monkeypatch):
    """Two of 400 bytes; each alone would fit."""
    nodes = [helper.make_node("ConstantOfShape", ["s"], [name]) for name in ("c", "d")]
    model = graph_of(*nodes, weights={"s": np.int64([100])})
    monkeypatch.setattr(constants, "MAX_BYTES", model.ByteSize() + 600)
    with pytest.raises(UnsupportedModel, match=r"one ONNX file\n  node: d\n  shape: \[100\]"):
        fold_constants(model)


def test_what_nobody_reads_goes_and_an_output_stays():
    pair = np.zeros(2, np.float32)
    model = graph_of(weights={"c": pair, "unread": pair, "told": pair}, outputs=("y", "told"))
    drop_unread(model)
    assert [tensor.name for tensor in model.graph.initializer] == ["c", "told"]
