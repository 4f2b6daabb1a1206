"""A simplifier's work is taken only if nothing else than the number of nodes changed."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv.errors import UnsupportedModel
from edgecv.graph import simplify as module
from edgecv.graph.adopt import normalise
from edgecv.graph.parity import Reference, random_feeds
from edgecv.graph.simplify import simplify

F = TensorProto.FLOAT


def chain():
    """y = relu(identity(x) * (1 + 1)): one node too many, and a constant to fold."""
    nodes = [
        helper.make_node("Identity", ["x"], ["i"]),
        helper.make_node("Add", ["one", "one"], ["two"]),
        helper.make_node("Mul", ["i", "two"], ["m"]),
        helper.make_node("Relu", ["m"], ["y"]),
    ]
    one = numpy_helper.from_array(np.ones((1, 4), np.float32), "one")
    ends = [helper.make_tensor_value_info(name, F, ["N", 4]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [one])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


@pytest.mark.parametrize("tool", ["onnxslim", "onnxsim"])
def test_constants_are_folded_and_the_given_model_stays(tool):
    model = chain()
    before = model.SerializeToString()
    result = simplify(model, tool)
    assert (result.tool, result.reason) == (tool, "")
    assert sorted(node.op_type for node in result.model.graph.node) == ["Mul", "Relu"]
    assert model.SerializeToString() == before
    feeds = random_feeds(model, batch=3)
    np.testing.assert_array_equal(Reference(result.model)(feeds)["y"], Reference(model)(feeds)["y"])


def test_none_returns_the_model_itself():
    model = chain()
    assert simplify(model, "none").model is model


def _other_value(model):
    model = onnx.ModelProto.FromString(model.SerializeToString())
    model.graph.initializer[0].CopyFrom(
        numpy_helper.from_array(np.full((1, 4), 1.01, np.float32), "one")
    )
    return model


def _renamed(model):
    model = onnx.ModelProto.FromString(model.SerializeToString())
    model.graph.node[-1].output[0] = model.graph.output[0].name = "z"
    return model


def _broken(model):
    model = onnx.ModelProto.FromString(model.SerializeToString())
    del model.graph.node[0]
    return model


def _only_batch_one(model):
    model = onnx.ModelProto.FromString(model.SerializeToString())
    target = numpy_helper.from_array(np.int64([1, 4]), "target")
    model.graph.initializer.append(target)
    model.graph.node[0].CopyFrom(helper.make_node("Reshape", ["x", "target"], ["i"]))
    return model


def _raises(model):
    raise KeyError("boom")


HARM = [
    pytest.param(_other_value, "outputs differ by 1", id="value"),
    pytest.param(_renamed, "other outputs", id="name"),
    pytest.param(_broken, "not valid", id="invalid"),
    pytest.param(_only_batch_one, "does not run", id="batch"),
    pytest.param(_raises, "failed: 'boom'", id="raises"),
]


@pytest.mark.parametrize(("tool", "text"), HARM)
def test_harm_is_noticed_and_the_model_kept(monkeypatch, tool, text):
    monkeypatch.setattr(module, "_onnxslim", tool)
    model = chain()
    result = simplify(model, "onnxslim")
    assert result.model is model
    assert result.tool == "none"
    assert text in result.reason
    adopted = normalise(model)  # which checks outputs itself
    feeds = random_feeds(model, batch=2)
    np.testing.assert_array_equal(Reference(adopted)(feeds)["y"], Reference(model)(feeds)["y"])


def test_a_simplifier_that_ends_its_process_does_not_end_ours(monkeypatch):
    monkeypatch.setattr(module, "_ONNXSIM", "import os; os.abort()")
    result = simplify(chain(), "onnxsim")
    assert result.tool == "none"
    assert "onnxsim failed: exit code -6" in result.reason


def test_model_that_does_not_run_is_refused():
    model = chain()
    model.graph.node[2].domain = "nobody"
    model.opset_import.append(helper.make_opsetid("nobody", 1))
    with pytest.raises(UnsupportedModel, match="cannot load the graph"):
        simplify(model, "onnxslim")
