"""Broken and hostile ONNX files are refused at the door, by what is wrong with them."""

from __future__ import annotations

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv.errors import EdgecvError, FileError, UnsupportedModel
from edgecv.graph import read
from edgecv.graph.read import load_graph, save_graph, tensors

F = TensorProto.FLOAT


def small(**changes):
    """y = x + w, with a (64, 64) weight."""
    weight = numpy_helper.from_array(np.ones((64, 64), np.float32), "w")
    ends = [helper.make_tensor_value_info(name, F, [1, 64, 64]) for name in "xy"]
    nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [weight])
    opset = [helper.make_opsetid("", changes.get("opset", 17))]
    return helper.make_model(graph, ir_version=8, opset_imports=opset)


def external(folder, name="m.onnx", location="w.bin", **entries):
    """The model with its weight declared outside, at `location`."""
    model = small()
    weight = model.graph.initializer[0]
    data = weight.raw_data
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        weight.external_data.add(key=key, value=str(value))
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path, data


def test_what_is_saved_is_read_back(tmp_path):
    model = small()
    path = save_graph(model, tmp_path / "deep" / "m.onnx")
    assert load_graph(path) == model
    inputs, outputs = tensors(model)
    assert [(item.name, item.shape, item.dtype) for item in inputs] == [
        ("x", (1, 64, 64), "float32")
    ]
    assert [item.name for item in outputs] == ["y"]


def test_external_data_beside_or_below_the_model_is_taken_in(tmp_path):
    (tmp_path / "data").mkdir()
    path, data = external(tmp_path, location="data/w.bin", offset=8, length=64 * 64 * 4)
    (tmp_path / "data" / "w.bin").write_bytes(b"12345678" + data + b"more")
    model = load_graph(path)
    assert model.graph.initializer[0].raw_data == data
    assert not model.graph.initializer[0].external_data


OUTSIDE = [
    pytest.param("../w.bin", id="parent"),
    pytest.param("data/../../w.bin", id="parent-inside"),
    pytest.param("/etc/passwd", id="absolute"),
    pytest.param("C:\\w.bin", id="windows-drive"),
    pytest.param("..\\w.bin", id="windows-parent"),
    pytest.param("link.bin", id="symlink"),
    pytest.param("", id="empty"),
    pytest.param("a\0b", id="nul"),
]


@pytest.mark.parametrize("location", OUTSIDE)
def test_external_data_that_leaves_the_folder_is_refused(tmp_path, location):
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(bytes(64 * 64 * 4))
    os.symlink(tmp_path / "w.bin", folder / "link.bin")
    path, _ = external(folder, location=location)
    with pytest.raises(FileError, match="points outside its folder"):
        load_graph(path)


BROKEN_EXTERNAL = [
    pytest.param({"location": "none.bin"}, "is missing", id="missing"),
    pytest.param({"length": 64 * 64 * 4 + 1}, "is truncated", id="too-long"),
    pytest.param({"offset": 1 << 40}, "is truncated", id="far-offset"),
    pytest.param({"offset": -4}, "is truncated", id="negative-offset"),
    pytest.param({"length": "many"}, "no valid range", id="no-number"),
    pytest.param({"length": 4}, "does not match its dims", id="too-short"),
    pytest.param({"location": "."}, "is missing", id="folder"),
]


@pytest.mark.parametrize(("entries", "text"), BROKEN_EXTERNAL)
def test_broken_external_data_is_refused(tmp_path, entries, text):
    path, data = external(tmp_path, **entries)
    (tmp_path / "w.bin").write_bytes(data)
    with pytest.raises(FileError, match=text):
        load_graph(path)


def test_external_data_of_a_node_attribute_is_held_to_the_folder_too(tmp_path):
    model = small()
    value = numpy_helper.from_array(np.ones(4, np.float32), "c")
    value.ClearField("raw_data")
    value.data_location = TensorProto.EXTERNAL
    value.external_data.add(key="location", value="/etc/passwd")
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=value))
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(FileError, match="points outside its folder"):
        load_graph(path)


NO_MODELS = [
    pytest.param(b"", "is empty", id="empty"),
    pytest.param(b"\0" * 100, "no ONNX model", id="zeros"),
    pytest.param(b"<html>not found</html>", "no ONNX model", id="web-page"),
    pytest.param(b"version https://git-lfs.github.com/spec/v1\n", "no ONNX model", id="lfs"),
    pytest.param(np.random.default_rng(0).bytes(5000), "no ONNX model", id="noise"),
    pytest.param(b"\x08\x08", "no ONNX model", id="only-a-version"),
]


@pytest.mark.parametrize(("content", "text"), NO_MODELS)
def test_what_is_no_model_is_refused(tmp_path, content, text):
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(FileError, match=text):
        load_graph(path)


def test_missing_file_and_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.onnx", tmp_path):
        with pytest.raises(FileError, match="not found"):
            load_graph(path)


def test_every_truncation_is_refused(tmp_path):
    content = small().SerializeToString()
    path = tmp_path / "m.onnx"
    for length in [*range(1, 40), *range(40, len(content), 997), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(FileError, match="no ONNX model"):
            load_graph(path)


def test_a_flipped_byte_never_ends_in_a_traceback(tmp_path):
    content = small().SerializeToString()
    path = tmp_path / "m.onnx"
    rng = np.random.default_rng(5)
    refused = 0
    heads = np.r_[0:30, len(content) - 120 : len(content)]  # the structure; between is the weight
    for at in rng.choice(heads, 400):
        broken = bytearray(content)
        broken[at] = rng.integers(256)
        path.write_bytes(broken)
        try:
            load_graph(path)
        except EdgecvError:
            refused += 1
    assert refused > 50


def test_file_beyond_protobufs_limit_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "m.onnx"
    with path.open("wb") as file:
        file.truncate(read.MAX_BYTES + 1)  # sparse: takes no disk
    with pytest.raises(FileError, match=r"larger than one ONNX file[\s\S]*2147483648"):
        load_graph(path)


def _dims(model, dims):
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend(dims)


def _input(model, dims):
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", F, dims))


def _typed(model, count):
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.float_data.extend([1.0] * count)


def _kind(model, kind):
    model.graph.initializer[0].data_type = kind


ABSURD = [
    pytest.param(lambda m: _dims(m, [1 << 40, 1 << 40]), "absurd size", id="huge-weight"),
    pytest.param(lambda m: _dims(m, [-64, -64]), "absurd size", id="negative-weight"),
    pytest.param(lambda m: _dims(m, [64, 65]), "does not match its dims", id="short-weight"),
    pytest.param(lambda m: _typed(m, 5), r"does not match its dims[\s\S]*5 values", id="typed"),
    pytest.param(lambda m: _kind(m, 999), "unknown type", id="type"),
    pytest.param(lambda m: _kind(m, TensorProto.DOUBLE), "does not match", id="wider-type"),
    pytest.param(lambda m: _input(m, [1 << 31, 64]), "absurd size", id="huge-input"),
    pytest.param(lambda m: _input(m, [1, -5, 64]), "absurd size", id="negative-input"),
    pytest.param(lambda m: m.graph.node[0].input.append("z"), "is not valid", id="arity"),
    pytest.param(lambda m: setattr(m.graph.node[0], "op_type", "Nonsense"), "not valid", id="op"),
    pytest.param(lambda m: m.graph.node.add().CopyFrom(m.graph.node[0]), "not valid", id="twice"),
    pytest.param(lambda m: setattr(m.graph.node[0], "domain", ""), None, id="control"),
]


@pytest.mark.parametrize(("change", "text"), ABSURD)
def test_absurd_declarations_are_refused(tmp_path, change, text):
    model = small()
    change(model)
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    if text is None:
        assert load_graph(path) == model
        return
    with pytest.raises(FileError, match=text):
        load_graph(path)


def _field(number, content):
    """A length-delimited protobuf field."""
    length, size = b"", len(content)
    while size >= 128:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def test_deep_subgraphs_are_refused(tmp_path):
    graph = small().graph.SerializeToString()
    for _ in range(150):  # graph.node (1) . attribute (5) . g (6)
        graph = _field(1, _field(5, _field(6, graph)))
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x08\x08" + _field(7, graph))
    with pytest.raises(FileError, match="no ONNX model"):
        load_graph(path)


def test_too_large_a_model_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(read, "MAX_BYTES", 1000)
    with pytest.raises(UnsupportedModel, match="does not fit one ONNX file"):
        save_graph(small(), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_unknown_rank_is_told_by_name():
    model = small()
    model.graph.output[0].type.tensor_type.ClearField("shape")
    with pytest.raises(UnsupportedModel, match=r"no known rank\n  tensor: y"):
        tensors(model)


def test_weights_listed_as_inputs_are_no_inputs():
    model = small()
    model.graph.input.append(helper.make_tensor_value_info("w", F, [64, 64]))
    assert [item.name for item in tensors(model)[0]] == ["x"]
    onnx.checker.check_model(model)
