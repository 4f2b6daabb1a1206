"""What a file says about itself is read; what its metadata claims is believed only if it fits."""

from __future__ import annotations

import itertools

import pytest
from onnx import TensorProto, helper

from edgecv.errors import UnsupportedModel
from edgecv.init.facts import last_operators, outputs, read_facts

F = TensorProto.FLOAT


def graph_of(*nodes, sides=("N", 3, "h", "w"), **notes):
    """Nodes from x to y; metadata from `notes`."""
    nodes = nodes or (helper.make_node("GlobalAveragePool", ["x"], ["y"]),)
    x = helper.make_tensor_value_info("x", F, sides)
    y = helper.make_tensor_value_info("y", F, [None] * 4)
    graph = helper.make_graph(nodes, "g", [x], [y])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, notes)
    return model


def test_input_batch_size_and_opset_are_read():
    facts = read_facts(graph_of(sides=(2, 1, 8, "w")))
    assert (facts.input, facts.batch, facts.channels, facts.size) == ("x", 2, 1, (8, 0))
    assert (facts.opset, facts.names, facts.ultralytics, facts.task) == (17, (), False, "")
    assert read_facts(graph_of()).batch == 0
    with pytest.raises(UnsupportedModel, match="C of 1 or 3"):
        read_facts(graph_of(sides=(1, 8, 8, 3)))


def test_metadata_of_ultralytics_is_read():
    notes = {"author": "Ultralytics", "task": "detect", "imgsz": "[32, 64]"}
    facts = read_facts(graph_of(**notes, names="{1: 'b', 0: 'a'}"))
    assert (facts.ultralytics, facts.task, facts.size) == (True, "detect", (32, 64))
    assert facts.names == ("a", "b")
    assert read_facts(graph_of(task="segment")).task == ""


def test_size_of_the_graph_wins_over_the_metadata():
    assert read_facts(graph_of(sides=(1, 3, 8, 16), imgsz="[32, 64]")).size == (8, 16)


NO_SIZES = ["[32]", "[0, 32]", "[-1, 2]", "[True, 32]", "['a', 'b']", "32", "[32.0, 32]", "[1, "]
TOO_LARGE = ["[1, 16385]", "[" + "9" * 30 + ", 1]", "[" + "9" * 5000 + ", 1]"]


@pytest.mark.parametrize("text", NO_SIZES + TOO_LARGE, ids=lambda text: text[:12])
def test_size_that_is_none_leaves_it_open(text):
    assert read_facts(graph_of(imgsz=text)).size == (0, 0)


NO_NAMES = [
    pytest.param("__import__('os').system('false')", id="call"),
    pytest.param("{" * 5000, id="deep"),
    pytest.param("{0: 'a', 2: 'b', 1: 3}", id="not-text"),
    pytest.param("{0: 'a', 5: 'b', 6: 'c'}", id="gaps"),
    pytest.param("{'a': 0}", id="turned-round"),
    pytest.param("'cat'", id="one-text"),
    pytest.param("[" + "'a'," * 100_000 + "]", id="huge"),
    pytest.param("", id="empty"),
]


@pytest.mark.parametrize("text", NO_NAMES)
def test_names_that_are_no_names_are_left_out(text):
    assert read_facts(graph_of(names=text)).names == ()


def test_outputs_are_those_of_one_image_with_every_side_known():
    facts = read_facts(graph_of(helper.make_node("Relu", ["x"], ["y"])))
    assert [item.shape for item in outputs(facts, (8, 16))] == [(1, 3, 8, 16)]
    facts = read_facts(graph_of(helper.make_node("Relu", ["x"], ["y"]), sides=(2, 3, 8, 8)))
    assert [item.shape for item in outputs(facts, (8, 8))] == [(2, 3, 8, 8)]


def test_last_operators_are_found_past_those_that_only_move_values():
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["s"]),
        helper.make_node("Tanh", ["s"], ["t"]),
        helper.make_node("Exp", ["x"], ["e"]),
        helper.make_node("Concat", ["t", "e"], ["c"], axis=1),
        helper.make_node("Identity", ["c"], ["y"]),
    ]
    facts = read_facts(graph_of(*nodes))
    assert last_operators(facts, "y") == {"Tanh", "Exp"}  # the sigmoid is not last
    assert last_operators(facts, "s") == {"Sigmoid"}
    assert last_operators(facts, "x") == set()


@pytest.mark.parametrize(("passed", "found"), [(5, {"Sigmoid"}), (6, set())])
def test_search_for_the_last_operator_ends(passed, found):
    names = ["s", *(f"i{i}" for i in range(passed - 1)), "y"]
    chain = [helper.make_node("Identity", [a], [b]) for a, b in itertools.pairwise(names)]
    facts = read_facts(graph_of(helper.make_node("Sigmoid", ["x"], ["s"]), *chain))
    assert last_operators(facts, "y") == found
