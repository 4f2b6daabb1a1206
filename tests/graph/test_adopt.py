"""Foreign graphs become the normal form, or are refused with the reason."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv.errors import GateFailed, ShapeError, UnsupportedModel
from edgecv.graph import adopt as module
from edgecv.graph.adopt import adopt, batch_difference, name_nodes, normalise
from edgecv.graph.parity import Reference
from edgecv.graph.read import opset, tensors

F = TensorProto.FLOAT


def classifier(*, version=9, batch=1, side=8, target=(1, -1), names=("", "")):
    """Conv, Relu, Reshape, Gemm with weights from ConstantOfShape, as opset 9 files have them."""
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(4, 3, 3, 3)).astype(np.float32)
    dense = rng.normal(size=(4 * 64, 5)).astype(np.float32)
    fill = numpy_helper.from_array(np.float32([0.25]))
    nodes = [
        helper.make_node("ConstantOfShape", ["bias_shape"], ["bias"], value=fill),
        helper.make_node("Conv", ["x", "w", "bias"], ["c"], name=names[0], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], name=names[1]),
        helper.make_node("Reshape", ["r", "target"], ["f"]),
        helper.make_node("Gemm", ["f", "d", "zero"], ["y"]),
    ]
    weights = {
        "w": weight,
        "d": dense,
        "zero": np.zeros(5, np.float32),
        "bias_shape": np.int64([4]),
        "target": np.int64(target),
    }
    stored = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    image = helper.make_tensor_value_info("x", F, [batch, 3, side, side])
    listed = [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in stored]
    out = helper.make_tensor_value_info("y", F, [batch, 5])
    graph = helper.make_graph(nodes, "net", [image, *listed], [out], stored)
    return helper.make_model(graph, ir_version=3, opset_imports=[helper.make_opsetid("", version)])


def test_old_file_is_upgraded_and_means_the_same():
    model = classifier()
    result = adopt(model)
    assert opset(result) == 17
    assert [value.name for value in result.graph.input] == ["x"]
    assert {node.op_type for node in result.graph.node} <= {"Conv", "Relu", "Reshape", "Gemm"}
    assert len({node.name for node in result.graph.node} - {""}) == len(result.graph.node)
    onnx.checker.check_model(result, full_check=True)
    feeds = {"x": np.random.default_rng(1).normal(size=(1, 3, 8, 8)).astype(np.float32)}
    np.testing.assert_allclose(Reference(result)(feeds)["y"], Reference(model)(feeds)["y"], 1e-5)


@pytest.mark.parametrize(
    ("batch", "shape"),
    [
        pytest.param((1, 1, 1), (1, 3, 8, 8), id="one"),
        pytest.param((4, 4, 4), (4, 3, 8, 8), id="fixed-four"),
        pytest.param((1, 2, 4), (-1, 3, 8, 8), id="dynamic"),
    ],
)
def test_batch_is_rewritten_even_inside_reshape(batch, shape):
    result = adopt(classifier(), batch=batch)
    inputs, outputs = tensors(result)
    assert inputs[0].shape == shape
    assert outputs[0].shape == (shape[0], 5)
    assert batch_difference(classifier(), result, batch[2]).relative < 1e-5


def test_graph_written_for_another_batch_is_refused():
    model = classifier(target=(1, 256))
    model.graph.node[3].attribute.append(helper.make_attribute("allowzero", 1))  # 0 now means zero
    model.opset_import[0].version = 14
    with pytest.raises(UnsupportedModel, match=r"written for another batch size"):
        adopt(model, batch=(2, 2, 2))


def test_open_size_needs_to_be_given_and_a_fixed_one_kept():
    model = classifier()
    with pytest.raises(ShapeError, match=r"fixed to another image size[\s\S]*\(8, 8\)"):
        adopt(model, input_size=(16, 16))
    for dim in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.dim_param = "side"
    with pytest.raises(ShapeError, match="leaves the image size open"):
        adopt(model)
    assert tensors(adopt(model, input_size=(8, 8)))[0][0].shape == (1, 3, 8, 8)


def test_several_inputs_are_refused_by_name():
    model = classifier()
    model.graph.input.append(helper.make_tensor_value_info("size", F, [1, 2]))
    with pytest.raises(UnsupportedModel, match=r"one input, the image[\s\S]*x, size"):
        adopt(model)


@pytest.mark.parametrize(
    ("kind", "shape", "text"),
    [
        pytest.param(TensorProto.UINT8, [1, 3, 8, 8], "must be float32", id="uint8"),
        pytest.param(F, [1, 8, 8, 3], r"\(N, C, H, W\)", id="channels-last"),
        pytest.param(F, [1, 3, 8], r"\(N, C, H, W\)", id="rank-three"),
    ],
)
def test_input_that_is_no_image_is_refused(kind, shape, text):
    model = classifier()
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", kind, shape))
    with pytest.raises(UnsupportedModel, match=text):
        adopt(model)


def test_gate_catches_an_upgrade_that_changes_the_outputs(monkeypatch):
    real = module.upgraded

    def broken(model):
        model = real(model)
        weight = next(t for t in model.graph.initializer if t.name == "w")
        weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * 1.001, "w"))
        return model

    monkeypatch.setattr(module, "upgraded", broken)
    for run in (adopt, normalise):
        with pytest.raises(GateFailed, match="computes something else"):
            run(classifier())


def test_names_are_unique_and_good_ones_stay():
    model = classifier(names=("stem", "stem"))
    name_nodes(model)
    names = [node.name for node in model.graph.node]
    assert names[1] == "stem"
    assert len(set(names)) == len(names)
    assert all(names)


@pytest.mark.parametrize("run", [adopt, normalise])
def test_tensor_that_would_fill_the_memory_is_refused_before_it_is_made(run):
    shape = numpy_helper.from_array(np.int64([1, 3, 1 << 15, 1 << 15]), "shape")
    nodes = [
        helper.make_node("Expand", ["x", "shape"], ["huge"]),
        helper.make_node("ReduceMax", ["huge"], ["y"], axes=[2, 3], keepdims=0),
    ]
    ends = [
        helper.make_tensor_value_info("x", F, [1, 3, 1, 1]),
        helper.make_tensor_value_info("y", F, [1, 3]),
    ]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [shape])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    with pytest.raises(UnsupportedModel, match=r"absurd size\n  tensor: huge"):
        run(model)
