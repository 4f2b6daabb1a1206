"""The measure behind every gate: what counts as different, and how far."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from edgecv.errors import UnsupportedModel
from edgecv.graph.parity import Difference, Reference, difference, largest, probes, worst

INF = float("inf")
CASES = [
    pytest.param([1, 2.5], [1, 2], (0.5, 0.25), id="by-hand"),
    pytest.param([0.5], [0], (0.5, 0.5), id="zero-reference"),
    pytest.param([], [], (0, 0), id="empty"),
    pytest.param([1, 2], [1, 2, 3], (INF, INF), id="shape"),
    pytest.param([1, np.nan], [1, 2], (INF, INF), id="nan-in-value"),
    pytest.param([1, 2], [1, np.nan], (INF, INF), id="nan-in-reference"),
    pytest.param([1, np.nan], [1, np.nan], (0, 0), id="nan-in-both"),
    pytest.param([1, np.inf], [1, np.inf], (0, 0), id="infinity-in-both"),
    pytest.param([1, -np.inf], [1, np.inf], (INF, INF), id="other-infinity"),
]


@pytest.mark.parametrize(("value", "reference", "expected"), CASES)
def test_difference(value, reference, expected):
    assert difference(np.float32(value), np.float32(reference)) == expected


def test_worst_output_is_the_relative_one_and_a_missing_one_is_far():
    small, large = {"a": np.float32([1.1])}, {"a": np.float32([1.0])}
    assert worst(small, large).relative == pytest.approx(0.1)
    assert worst(small, {**large, "b": large["a"]}).relative == INF
    assert largest([Difference(9.0, 0.1), Difference(1.0, 0.2)]).relative == 0.2
    assert largest([]) == (0, 0)


def graph(op, side=2):
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", side]) for n in ("x", "y")]
    made = helper.make_graph([helper.make_node(op, ["x"], ["y"])], "g", ends[:1], ends[1:])
    return helper.make_model(made, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def test_graph_that_does_not_load_or_run_is_told_in_one_line():
    with pytest.raises(UnsupportedModel, match=r"cannot load the graph\n  reason: .*Nonsense"):
        Reference(graph("Nonsense"))
    with pytest.raises(UnsupportedModel, match="cannot run the graph"):
        Reference(graph("Relu"))({"x": np.zeros((1, 3), np.float32)})


def test_free_batch_is_probed_at_two_sizes():
    assert [feeds["x"].shape for feeds in probes(graph("Relu"))] == [(1, 2), (2, 2)]
