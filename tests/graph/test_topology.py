import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgecv.graph.topology import Topology, attribute, element_types, reads

F = TensorProto.FLOAT


def branching() -> onnx.ModelProto:
    """x -> Relu -> r; r feeds an Add, an unnamed Relu and, from inside, both branches of an If."""

    def branch(name: str) -> onnx.GraphProto:
        node = helper.make_node("Mul", ["r", "two"], [f"{name}_y"], name=f"{name}_mul")
        return helper.make_graph(
            [node], name, [], [helper.make_tensor_value_info(f"{name}_y", F, [2])]
        )

    nodes = [
        helper.make_node("Relu", ["x"], ["r"], name="same"),
        helper.make_node("Constant", [], ["k"], name="same", value_float=1.0),
        helper.make_node("Add", ["r", "two"], ["a"], alpha=3.0),
        helper.make_node("Relu", ["r"], ["b"], name="alone"),
        helper.make_node(
            "If", ["c"], ["y"], name="if", then_branch=branch("t"), else_branch=branch("e")
        ),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info("x", F, [2]),
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("a", F, [2]), helper.make_tensor_value_info("y", F, [2])],
        [numpy_helper.from_array(np.full(2, 2, np.float32), "two")],
    )
    return helper.make_model(graph)


def test_who_makes_and_who_reads():
    topology = Topology(branching())
    assert topology.producer("r").op_type == "Relu"
    assert topology.producer("x") is None
    assert topology.producer("two") is None
    assert [node.op_type for node in topology.consumers("r")] == ["Add", "Relu", "If"]
    assert topology.consumers("nothing") == ()
    assert (topology.inputs, topology.outputs) == (("x", "c"), ("a", "y"))


def test_names_are_made_unique_and_stay_where_they_are():
    names = Topology(branching()).names
    assert names == ("Relu_0", "Constant_1", "Add_2", "alone", "if")


def test_only_reader_counts_outputs_and_subgraphs():
    topology = Topology(branching())
    assert topology.only_reader("x").op_type == "Relu"
    assert topology.only_reader("r") is None, "three nodes read it"
    assert topology.only_reader("a") is None, "it is an output"


def test_constants():
    topology = Topology(branching())
    assert topology.constant("two").tolist() == [2, 2]
    assert topology.constant("r") is None


def test_reads_looks_into_branches():
    node = branching().graph.node[4]
    assert set(reads(node)) == {"c", "r", "two"}


def test_attribute_and_types():
    model = branching()
    assert attribute(model.graph.node[2], "alpha", 1.0) == 3.0
    assert attribute(model.graph.node[0], "alpha", 1.0) == 1.0
    assert element_types(model.graph) == {
        "x": F, "c": TensorProto.BOOL, "a": F, "y": F, "two": F
    }  # fmt: skip
