"""Flags win, then the file, then a person; where nobody can be asked, the flags are named."""

from __future__ import annotations

import pytest
from onnx import TensorProto, helper

from edgecv.errors import FileError, UnknownName, UsageError
from edgecv.init.answers import Answers, settle
from edgecv.init.facts import read_facts

F = TensorProto.FLOAT
GIVEN = {"mean": "1,2,3", "std": "4", "color": "bgr", "resize": "stretch"}


def facts_of(*, channels=3, sides=(8, 8), **notes):
    """A classifier of three classes."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["m"]),
        helper.make_node("Flatten", ["m"], ["f"]),
        helper.make_node("Concat", ["f"] * (3 // channels), ["y"], axis=1),
    ]
    x = helper.make_tensor_value_info("x", F, [1, channels, *sides])
    y = helper.make_tensor_value_info("y", F, [1, 3])
    graph = helper.make_graph(nodes, "g", [x], [y])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, notes)
    return read_facts(model)


def never(question, proposal):
    raise AssertionError(f"asked {question!r} though nothing is open")


def test_flags_are_taken_and_nobody_is_asked():
    found = settle(facts_of(), Answers(**GIVEN, names=None), never)
    assert (found.mean, found.std) == ((1, 2, 3), (4, 4, 4))
    assert (found.color, found.resize, found.size) == ("bgr", "stretch", (8, 8))
    assert (found.head.kind, found.head.classes) == ("classify", 3)
    assert found.preprocessing == "as given"


def test_proposals_are_taken_with_a_warning_or_as_the_exporter_trains():
    found = settle(facts_of(), Answers(yes=True, std="4"), None)
    assert found.mean == (123.675, 116.28, 103.53)
    assert (found.color, found.resize) == ("rgb", "crop")
    assert found.preprocessing == (
        "not in the file; a common choice was taken for color, mean, resize: CHECK IT"
    )
    known = settle(facts_of(author="Ultralytics"), Answers(), never)
    assert (known.mean, known.std) == ((0, 0, 0), (255, 255, 255))
    assert known.preprocessing == "as Ultralytics trains"


def test_gray_is_neither_asked_nor_overruled():
    asked = []

    def ask(question, proposal):
        asked.append(question.split()[0])
        return proposal

    found = settle(facts_of(channels=1), Answers(), ask)
    assert asked == ["Mean", "Standard", "How"]
    assert (found.color, found.mean, found.std) == ("gray", (0,), (255,))
    assert found.preprocessing == "as answered"
    with pytest.raises(UsageError, match="colour does not fit"):
        settle(facts_of(), Answers(**GIVEN | {"color": "gray"}), None)


def test_open_size_is_asked_for_or_given():
    open_ = facts_of(sides=("h", "w"))
    assert settle(open_, Answers(**GIVEN), lambda question, proposal: "4 X 6").size == (4, 6)
    assert settle(open_, Answers(**GIVEN, size="5x7"), never).size == (5, 7)
    with pytest.raises(UsageError, match=r"leaves the image size open\n  fix: add --size"):
        settle(open_, Answers(**GIVEN), None)


@pytest.mark.parametrize("text", ["8", "8x", "x8", "-8x8", "8x8x8", "8.0x8", "²x8"])
def test_size_that_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match="HEIGHTxWIDTH"):
        settle(facts_of(sides=("h", "w")), Answers(**GIVEN, size=text), None)


@pytest.mark.parametrize("text", ["0x8", "8x16385", "9" * 30 + "x8", "9" * 5000 + "x8"])
def test_size_beyond_what_a_recipe_takes_is_refused(text):
    with pytest.raises(UsageError, match=r"1\.\.16384 pixels"):
        settle(facts_of(sides=("h", "w")), Answers(**GIVEN, size=text), None)


def test_answer_of_a_person_is_checked_like_a_flag():
    def ask(question, proposal):
        return "leterbox" if "fitted" in question else proposal

    with pytest.raises(UnknownName, match=r"unknown resize 'leterbox'\n  nearest: letterbox"):
        settle(facts_of(), Answers(), ask)


def test_names_must_be_as_many_as_the_classes(tmp_path):
    file = tmp_path / "names.txt"
    file.write_text("cat\ndog\n\n  bird \n")
    given = Answers(**GIVEN, names=file)
    assert settle(facts_of(), given, None).names == ("cat", "dog", "bird")
    file.write_text("cat\n")
    with pytest.raises(UsageError, match=r"names: 1[\s\S]*graph classes: 3"):
        settle(facts_of(), given, None)
    with pytest.raises(FileError, match="file of class names not found"):
        settle(facts_of(), Answers(**GIVEN, names=tmp_path / "none.txt"), None)


def test_names_of_the_file_are_kept_only_if_they_fit():
    assert settle(facts_of(names="['a', 'b', 'c']"), Answers(**GIVEN), None).names == (
        *("a", "b", "c"),
    )
    assert settle(facts_of(names="['a', 'b']"), Answers(**GIVEN), None).names == ()
