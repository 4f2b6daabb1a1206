"""Old operator sets are upgraded, with what the converter forgets, or refused."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv.errors import UnsupportedModel
from edgecv.graph.parity import Reference
from edgecv.graph.read import opset
from edgecv.graph.upgrade import upgraded

F = TensorProto.FLOAT


def model(node, version, weights=()):
    ends = [helper.make_tensor_value_info(name, F, [1, 3, 3, 3]) for name in ("x", "y")]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], list(weights))
    return helper.make_model(graph, ir_version=4, opset_imports=[helper.make_opsetid("", version)])


def test_old_prelu_slope_stays_per_channel():
    slope = numpy_helper.from_array(np.float32([0.1, 0.2, 0.3]), "s")
    result = upgraded(model(helper.make_node("PRelu", ["x", "s"], ["y"]), 6, [slope]))
    assert opset(result) == 17
    found = Reference(result)({"x": -np.ones((1, 3, 3, 3), np.float32)})["y"]
    np.testing.assert_allclose(found[0, :, 0, 0], [-0.1, -0.2, -0.3])


def test_newer_opset_is_kept():
    given = model(helper.make_node("Relu", ["x"], ["y"]), 20)
    assert opset(upgraded(given)) == 20


def test_operator_the_converter_cannot_upgrade_is_refused():
    given = onnx.ModelProto()
    given.CopyFrom(model(helper.make_node("Nonsense", ["x"], ["y"]), 9))
    with pytest.raises(UnsupportedModel, match="cannot be upgraded from opset 9 to 17"):
        upgraded(given)
