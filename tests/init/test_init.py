"""A recipe for a foreign file: read where it can be, guessed with a reason, else asked for."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from edgecv.cli.app import app
from edgecv.errors import FileError, UnknownName, UnsupportedModel, UsageError
from edgecv.graph.read import save_graph
from edgecv.init import Answers, init
from edgecv.recipe import load_recipe

F = TensorProto.FLOAT
YES = Answers(yes=True)
GIVEN = Answers(mean="1,2,3", std="4", color="bgr", resize="stretch")


def network(path, outputs, *, notes=None, channels=3, side=16, batch=1):
    """A graph with zero weights; outputs are name -> (shape for one image, last operator)."""
    nodes, ends, weights = [], [], []
    for name, (shape, last) in outputs.items():
        count = int(np.prod(shape))
        weights += [
            numpy_helper.from_array(
                np.zeros((channels * side * side, count), np.float32), f"w_{name}"
            ),
            numpy_helper.from_array(np.int64([-1, *shape]), f"s_{name}"),
        ]
        nodes += [
            helper.make_node("Flatten", ["x"], [f"f_{name}"]),
            helper.make_node("MatMul", [f"f_{name}", f"w_{name}"], [f"m_{name}"]),
            helper.make_node("Reshape", [f"m_{name}", f"s_{name}"], [f"r_{name}"]),
            helper.make_node(last or "Identity", [f"r_{name}"], [name]),
        ]
        ends.append(helper.make_tensor_value_info(name, F, [None] * (len(shape) + 1)))
    image = helper.make_tensor_value_info("x", F, [batch, channels, side, side])
    graph = helper.make_graph(nodes, "g", [image], ends, weights)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, notes or {})
    return save_graph(model, path)


HEADS = [
    pytest.param({"y": ((7,), "")}, "classify", {"activation": "softmax"}, id="classify-logits"),
    pytest.param(
        {"y": ((7,), "Softmax")}, "classify", {"activation": "none"}, id="classify-softmax"
    ),
    pytest.param({"y": ((7, 1, 1), "")}, "classify", {"activation": "softmax"}, id="classify-1x1"),
    pytest.param(
        {"y": ((7, 84), "Sigmoid")},
        "dense",
        {"layout": "channels_first", "activation": "none"},
        id="dense-first",
    ),
    pytest.param(
        {"y": ((84, 7), "")},
        "dense",
        {"layout": "channels_last", "activation": "sigmoid"},
        id="dense-last",
    ),
    pytest.param(
        {"reg": ((2, 4, 4), ""), "hm": ((3, 4, 4), "Sigmoid"), "wh": ((2, 4, 4), "")},
        "centernet",
        {"activation": "none", "outputs": {"heatmap": "hm", "size": "wh", "offset": "reg"}},
        id="centernet-by-name",
    ),
    pytest.param(
        {"a": ((3, 8, 8), ""), "b": ((2, 8, 8), ""), "c": ((2, 8, 8), "")},
        "centernet",
        {"stride": 2, "outputs": {"heatmap": "a", "size": "b", "offset": "c"}},
        id="centernet-by-order",
    ),
    pytest.param(
        {"hm": ((2, 4, 4), ""), "wh": ((2, 4, 4), ""), "reg": ((2, 4, 4), "")},
        "centernet",
        {"outputs": {"heatmap": "hm", "size": "wh", "offset": "reg"}},
        id="centernet-two-classes",
    ),
    pytest.param(
        {"desc": ((32, 2, 2), ""), "semi": ((65, 2, 2), "")},
        "keypoints",
        {"stride": 8, "outputs": {"scores": "semi", "descriptors": "desc"}},
        id="keypoints",
    ),
]


@pytest.mark.parametrize(("outputs", "kind", "values"), HEADS)
def test_head_is_guessed_from_the_outputs(tmp_path, outputs, kind, values):
    model = network(tmp_path / "m.onnx", outputs)
    _, recipe = init(model, YES, out=tmp_path / "r.yaml")
    assert recipe.head.kind == kind
    for key, value in values.items():
        assert getattr(recipe.head, key) == value
    assert recipe.input.size == (16, 16)
    assert recipe.export.batches == (1, 1, 1)


NO_HEADS = [
    pytest.param({"y": ((9, 10), "")}, id="square-map"),
    pytest.param({"a": ((7,), ""), "b": ((7,), "")}, id="two-vectors"),
    pytest.param({"a": ((3, 4, 4), ""), "b": ((2, 4, 4), ""), "c": ((2, 8, 8), "")}, id="strides"),
]


@pytest.mark.parametrize("outputs", NO_HEADS)
def test_outputs_that_fit_no_head_are_refused_with_their_shapes(tmp_path, outputs):
    model = network(tmp_path / "m.onnx", outputs)
    with pytest.raises(UsageError, match=r"do not fit any head[\s\S]*outputs: \w \[1, "):
        init(model, YES, out=tmp_path / "r.yaml")
    with pytest.raises(UsageError, match="do not fit head classify"):
        init(model, Answers(head="classify", yes=True), out=tmp_path / "r.yaml")
    assert not (tmp_path / "r.yaml").exists()


def test_given_answers_win_and_comments_say_where_the_rest_comes_from(tmp_path):
    model = network(tmp_path / "m.onnx", {"y": ((7,), "")})
    out, recipe = init(model, GIVEN, out=tmp_path / "r.yaml")
    assert recipe.input.mean == (1, 2, 3)
    assert recipe.input.std == (4, 4, 4)
    assert (recipe.input.color, recipe.input.resize) == ("bgr", "stretch")
    assert recipe.model.file == model
    text = out.read_text()
    assert '{file: "m.onnx"}' in text
    assert "# preprocessing: as given" in text
    assert "7 scores per image" in text
    assert load_recipe(out) == recipe


def test_what_is_missing_is_listed_where_nobody_can_be_asked(tmp_path):
    model = network(tmp_path / "m.onnx", {"y": ((7,), "")})
    with pytest.raises(UsageError, match=r"missing: --std, --resize\n[\s\S]*or --yes"):
        init(model, Answers(mean="0", color="rgb"), out=tmp_path / "r.yaml")


def test_a_person_is_asked_only_what_is_missing(tmp_path):
    asked = []

    def ask(question, proposal):
        asked.append(question)
        return "crop" if "fitted" in question else proposal

    model = network(tmp_path / "m.onnx", {"y": ((7,), "")})
    _, recipe = init(model, Answers(mean="0", color="rgb"), out=tmp_path / "r.yaml", ask=ask)
    assert [question.split()[0] for question in asked] == ["Standard", "How"]
    assert recipe.input.resize == "crop"
    assert recipe.input.std == (58.395, 57.12, 57.375)


def test_gray_is_read_from_one_channel(tmp_path):
    model = network(tmp_path / "m.onnx", {"y": ((7,), "")}, channels=1)
    _, recipe = init(model, YES, out=tmp_path / "r.yaml")
    assert (recipe.input.color, recipe.input.mean) == ("gray", (0,))


def test_batch_is_read(tmp_path):
    model = network(tmp_path / "m.onnx", {"y": ((7,), "")}, batch=4)
    assert init(model, YES, out=tmp_path / "r.yaml")[1].export.batches == (4, 4, 4)
    free = network(tmp_path / "f.onnx", {"y": ((7,), "")}, batch="N")
    assert init(free, YES, out=tmp_path / "f.yaml")[1].export.batches == (1, 1, 1)


ULTRALYTICS = {"author": "Ultralytics", "task": "detect", "imgsz": "[16, 16]"}


def test_ultralytics_metadata_needs_no_answer(tmp_path):
    notes = {**ULTRALYTICS, "names": "{0: 'person', 1: 'é \"quoted\"', 2: '\U0001f600\\x85: #'}"}
    model = network(tmp_path / "m.onnx", {"output0": ((7, 84), "Sigmoid")}, notes=notes)
    _, recipe = init(model, out=tmp_path / "r.yaml")
    assert recipe.task == "detect"
    assert recipe.head.names == ("person", 'é "quoted"', "\U0001f600\x85: #")
    assert (recipe.input.std, recipe.input.resize) == ((255, 255, 255), "letterbox")
    assert recipe.head.outputs == {"predictions": "output0"}


WRONG = [
    pytest.param({"color": "purple"}, UnknownName, "unknown color 'purple'", id="color"),
    pytest.param({"resize": "leterbox"}, UnknownName, "nearest: letterbox", id="resize"),
    pytest.param({"head": "yolo"}, UnknownName, "unknown head", id="head"),
    pytest.param({"task": "sing"}, UnknownName, "unknown task", id="task"),
    pytest.param({"task": "detect", "head": "classify"}, UsageError, "is for task", id="mixed"),
    pytest.param({"task": "detect"}, UsageError, "do not fit task detect", id="wrong-task"),
    pytest.param({"color": "gray"}, UsageError, "does not fit the graph", id="gray"),
    pytest.param({"mean": "a,b"}, UsageError, "must be numbers", id="mean-words"),
    pytest.param({"mean": "1,2"}, UsageError, "needs one value, or 3", id="mean-two"),
    pytest.param({"mean": "nan"}, UsageError, "needs one value", id="mean-nan"),
    pytest.param({"std": "0"}, UsageError, "must be > 0", id="std-zero"),
    pytest.param({"size": "16"}, UsageError, "HEIGHTxWIDTH", id="size"),
]


@pytest.mark.parametrize(("answers", "kind", "text"), WRONG)
def test_wrong_answers_are_refused_and_nothing_is_written(tmp_path, answers, kind, text):
    model = network(tmp_path / "m.onnx", {"y": ((7,), "")})
    with pytest.raises(kind, match=text):
        init(model, Answers(yes=True, **answers), out=tmp_path / "r.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_an_existing_recipe_is_never_overwritten(tmp_path):
    model = network(tmp_path / "m.onnx", {"y": ((7,), "")})
    out = tmp_path / "r.yaml"
    out.write_text("mine")
    with pytest.raises(UsageError, match="not overwritten"):
        init(model, YES, out=out)
    assert out.read_text() == "mine"


def test_a_file_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(FileError, match="not found"):
        init(tmp_path / "none.onnx", YES, out=tmp_path / "r.yaml")
    model = network(tmp_path / "m.onnx", {"y": ((7,), "")}, channels=5)
    with pytest.raises(UnsupportedModel, match="C of 1 or 3"):
        init(model, YES, out=tmp_path / "r.yaml")


def test_verb_exit_codes(tmp_path):
    model = network(tmp_path / "m.onnx", {"y": ((7,), "")})
    command = ["init", str(model), "--out", str(tmp_path / "r.yaml")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "--mean" in result.stderr
    result = CliRunner().invoke(app, [*command, "--yes", "--json"])
    assert result.exit_code == 0
    assert '"head": "classify"' in result.stdout
