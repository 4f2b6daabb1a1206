"""Every verb that takes an ONNX file or weights, with every file that is none."""

import pickle

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

VERBS = {
    "check": ("check", "{}"),
    "init": ("init", "{}", "--yes"),
    "build": ("build", "{}", "--task", "classify", "--head", "classify", "--precision", "fp32"),
    "calibrate": ("calibrate", "{}", "--data", "pictures"),
}


def external(location):
    """A model whose weights lie in another file."""

    def make(world):
        model = onnx.load(world.model())
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", "0"), ("length", "9999999")):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
        return model.SerializeToString()

    return make


def truncated(world):
    data = world.model().read_bytes()
    return data[: len(data) // 2]


def unknown_operator(world):
    model = onnx.load(world.model())
    model.graph.node[0].op_type = "Teleport"
    return model.SerializeToString()


def huge_tensor(world):
    model = onnx.load(world.model())
    model.graph.initializer[0].dims[0] = 1 << 40
    return model.SerializeToString()


def no_graph(world):
    return onnx.ModelProto(ir_version=8).SerializeToString()


def loop(world):
    model = onnx.load(world.model())
    model.graph.node[0].input[0] = model.graph.node[-1].output[0]
    return model.SerializeToString()


MODELS = [
    pytest.param(lambda world: None, id="missing"),
    pytest.param(lambda world: b"", id="empty"),
    pytest.param(lambda world: b"hello, I am no protobuf\n", id="text"),
    pytest.param(lambda world: pickle.dumps({"a": 1}), id="pickle"),
    pytest.param(truncated, id="truncated"),
    pytest.param(external("../../etc/passwd"), id="external-data-outside"),
    pytest.param(external("/etc/passwd"), id="external-data-absolute"),
    pytest.param(external("nowhere.bin"), id="external-data-missing"),
    pytest.param(unknown_operator, id="unknown-operator"),
    pytest.param(huge_tensor, id="tensor-larger-than-its-bytes"),
    pytest.param(no_graph, id="no-graph"),
    pytest.param(loop, id="cycle"),
]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("make", MODELS)
def test_file_that_is_no_model_is_refused_by_every_verb(world, verb, make):
    content = make(world)
    world.image("pictures/a.png")
    path = world.folder / "bad.onnx"
    if content is not None:
        world.file("bad.onnx", content)
    outcome = world.run(*(part.format(path) for part in VERBS[verb]))
    assert outcome.code == 2, outcome.text
    assert "error: " in outcome.text
    assert [name for name in outcome.left if name not in ("runs", "runs/bad")] == []


def two_inputs():
    value = helper.make_tensor_value_info
    ends = [value(name, TensorProto.FLOAT, [1, 3, 8, 8]) for name in "abc"]
    graph = helper.make_graph([helper.make_node("Add", ["a", "b"], ["c"])], "g", ends[:2], ends[2:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def rank_2():
    value = helper.make_tensor_value_info
    ends = [value(name, TensorProto.FLOAT, [1, 8]) for name in "ab"]
    graph = helper.make_graph([helper.make_node("Relu", ["a"], ["b"])], "g", ends[:1], ends[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("verb", ["init", "build"])
@pytest.mark.parametrize("make", [two_inputs, rank_2], ids=["two-inputs", "no-image-input"])
def test_model_edgecv_cannot_feed_is_refused(world, verb, make):
    path = world.file("odd.onnx", make().SerializeToString())
    outcome = world.run(*(part.format(path) for part in VERBS[verb]))
    assert outcome.code == 2, outcome.text
    assert "input" in outcome.text


SHAPES = [
    pytest.param(("--size", "99x99"), id="other-size"),
    pytest.param(("--size", "16y16"), id="size-in-another-form"),
    pytest.param(("--mean", "1,2"), id="two-means"),
    pytest.param(("--std", "0,1,1"), id="zero-std"),
    pytest.param(("--mean", "a,b,c"), id="mean-of-letters"),
    pytest.param(("--color", "cmyk"), id="color"),
    pytest.param(("--resize", "squash"), id="resize"),
    pytest.param(("--head", "densse"), id="head"),
    pytest.param(("--task", "paint"), id="task"),
    pytest.param(("--backend", "tensort"), id="backend"),
    pytest.param(("--precision", "fp23"), id="precision"),
    pytest.param(("--target", "ampere", "--backend", "tensorrt-rtx"), id="target"),
]


@pytest.mark.parametrize("options", SHAPES)
def test_answer_that_does_not_fit_is_refused(world, options):
    base = ["--task", "classify", "--head", "classify", "--precision", "fp32"]
    outcome = world.run("build", world.model(), *base, "--backend", "onnxruntime", *options)
    assert outcome.code == 2, outcome.text
    assert "rror" in outcome.text
    assert not [name for name in outcome.left if name.endswith("manifest.json")]


class Touch:
    """A pickle that would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


WEIGHTS = [
    pytest.param("w.safetensors", lambda w: None, id="missing"),
    pytest.param("w.safetensors", lambda w: b"", id="empty"),
    pytest.param("w.safetensors", lambda w: b"\x08" + bytes(7) + b"{", id="truncated"),
    pytest.param("w.safetensors", lambda w: b"\xff" * 64, id="huge-header"),
    pytest.param("w.safetensors", lambda w: pickle.dumps(Touch(w.folder / "hacked")), id="pickle"),
    pytest.param("w.pt", lambda w: pickle.dumps(Touch(w.folder / "hacked")), id="pickle-as-pt"),
    pytest.param("w.pth", lambda w: b"not weights at all", id="text-as-pth"),
    pytest.param("w.npz", lambda w: b"PK\x03\x04", id="other-suffix"),
]


@pytest.mark.parametrize(("name", "make"), WEIGHTS)
def test_weights_that_are_none_are_refused_and_never_executed(world, name, make):
    content = make(world)
    if content is not None:
        world.file(name, content)
    outcome = world.run("export", world.recipe(), "--weights", world.folder / name)
    assert outcome.code == 2, outcome.text
    assert "hacked" not in world.snapshot()
    assert not [left for left in outcome.left if left.endswith((".onnx", ".json"))]


def test_zip_checkpoint_with_code_inside_is_never_executed(world):
    """torch.save's own container, with a pickle that names `open` among its globals."""
    torch = pytest.importorskip("torch", reason="checkpoints are torch's: edgecv[train]")
    torch.save({"state_dict": Touch(world.folder / "hacked")}, world.folder / "w.pt")
    outcome = world.run("export", world.recipe(), "--weights", "w.pt")
    assert outcome.code == 2, outcome.text
    assert "hacked" not in world.snapshot()


def test_weights_of_another_network_are_refused(world):
    from safetensors.numpy import save_file

    save_file({"conv.weight": np.zeros((3, 3), np.float32)}, world.folder / "w.safetensors")
    outcome = world.run("export", world.recipe(), "--weights", "w.safetensors")
    assert outcome.code == 2, outcome.text
