"""The search blames the node that fails, whether or not the log names it."""

import onnx
import pytest

from edgecv.check.nodes import prepared
from edgecv.check.search import Attempt, cut, refused_nodes


def chain(length):
    helper = onnx.helper
    nodes = [helper.make_node("Relu", [f"t{i}"], [f"t{i + 1}"], f"n{i}") for i in range(length)]
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 4])
        for name in ("t0", f"t{length}")
    ]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:])
    return prepared(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))


class Builder:
    """Refuses some nodes, and names them or keeps it to itself."""

    def __init__(self, *bad, names=False):
        self.bad, self.names, self.calls = bad, names, 0

    def __call__(self, model):
        self.calls += 1
        onnx.checker.check_model(model)
        here = [node.name for node in model.graph.node if node.name in self.bad]
        if not here:
            return Attempt(True)
        return Attempt(False, here[0] if self.names else "", "something failed")


@pytest.mark.parametrize("names", [True, False], ids=["named", "silent"])
@pytest.mark.parametrize(
    "bad", [("n0",), ("n7",), ("n8",), ("n15",), ("n2", "n3"), ("n0", "n9", "n15")]
)
def test_exactly_the_bad_nodes_are_found(names, bad):
    found = refused_nodes(chain(16), Builder(*bad, names=names))
    assert sorted(item.node for item in found) == sorted(bad)


def test_a_silent_builder_is_asked_a_logarithmic_number_of_times():
    builder = Builder("n77")
    refused_nodes(chain(128), builder)
    assert builder.calls <= 12


def test_graph_that_builds_has_none():
    assert refused_nodes(chain(4), Builder()) == ()


def test_builder_that_refuses_everything_ends():
    found = refused_nodes(chain(4), lambda model: Attempt(False, "", "no"))
    assert {item.node for item in found} == {"n0", "n1", "n2", "n3"}


def test_cut_feeds_what_the_node_made():
    graph = cut(chain(3), {"n1"}).graph
    assert [value.name for value in graph.input] == ["t0", "t2"]
    assert [value.name for value in graph.output] == ["t1", "t3"]
    assert [d.dim_value for d in graph.input[1].type.tensor_type.shape.dim] == [1, 4]


def test_layer_named_after_its_node_with_a_suffix_is_recognised():
    said = iter([Attempt(False, "", "n2_0 has no runners that implement it"), Attempt(True)])
    found = refused_nodes(chain(4), lambda model: next(said))
    assert [(item.node, item.reason) for item in found] == [
        ("n2", "n2_0 has no runners that implement it")
    ]
