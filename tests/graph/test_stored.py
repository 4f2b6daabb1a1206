"""Every stored tensor is found, wherever it hides, and its bytes are what its dims promise.

What `load_graph` refuses at the door is in test_read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv.errors import FileError, IoFailed
from edgecv.graph import stored
from edgecv.graph.stored import check_payload, load_external, stored_tensors, subgraphs

HERE = Path("m.onnx")


def tensor(name):
    return numpy_helper.from_array(np.zeros(1, np.float32), name)


def constant(name):
    return helper.make_node("Constant", [], [f"{name}_out"], value=tensor(name))


def test_no_stored_tensor_hides():
    """In a branch of a branch, in a list of tensors, sparse, and in a function."""
    inner = helper.make_graph([constant("inner_node")], "inner", [], [], [tensor("inner_weight")])
    nested = helper.make_node("If", ["c"], [], then_branch=inner)
    outer = helper.make_graph([nested], "outer", [], [], [])
    sparse = helper.make_sparse_tensor(
        tensor("sparse_values"), numpy_helper.from_array(np.int64([0]), "sparse_indices"), [4]
    )
    listed = helper.make_node("Custom", [], ["l"], domain="d", parts=[tensor("a"), tensor("b")])
    top = helper.make_graph(
        [helper.make_node("If", ["c"], [], then_branch=outer), listed],
        "top",
        [],
        [],
        [tensor("weight")],
        sparse_initializer=[sparse],
    )
    function = helper.make_function("d", "F", [], [], [constant("function_node")], [])
    model = helper.make_model(top, functions=[function])
    assert [item.name for item in stored_tensors(model)] == [
        *("weight", "sparse_values", "sparse_indices", "inner_weight", "inner_node", "a", "b"),
        "function_node",
    ]
    assert [graph.name for graph in subgraphs(top.node[0])] == ["outer"]


def outside(name, **entries):
    """A tensor of 4 bytes whose data is declared in another file."""
    item = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1])
    item.data_location = TensorProto.EXTERNAL
    for key, value in {"location": "w.bin", **entries}.items():
        item.external_data.add(key=key, value=str(value))
    return item


def test_external_data_without_a_length_reaches_to_the_end_of_its_file(tmp_path):
    (tmp_path / "w.bin").write_bytes(b"abcdefgh")
    first, rest, inside = outside("a", length=4), outside("b", offset=4), tensor("c")
    before = inside.SerializeToString()
    load_external([first, rest, inside], tmp_path / "m.onnx")
    assert (first.raw_data, rest.raw_data) == (b"abcd", b"efgh")
    assert first.data_location == TensorProto.DEFAULT
    assert not first.external_data
    assert inside.SerializeToString() == before


def test_all_external_data_together_has_a_limit(tmp_path, monkeypatch):
    """The same 8 bytes named three times are 24 in memory."""
    (tmp_path / "w.bin").write_bytes(b"abcdefgh")
    monkeypatch.setattr(stored, "MAX_BYTES", 20)
    load_external([outside("a"), outside("b")], tmp_path / "m.onnx")
    with pytest.raises(FileError, match=r"is too large[\s\S]*limit bytes: 20"):
        load_external([outside(name) for name in "abc"], tmp_path / "m.onnx")


def test_location_that_no_file_system_takes_is_refused(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    for location in ("a" * 5000, "a/" * 3000, "loop"):
        with pytest.raises(FileError, match=r"cannot be reached|is missing"):
            load_external([outside("a", location=location)], tmp_path / "m.onnx")


def test_external_data_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    def refuse(self, mode):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "w.bin").write_bytes(b"abcd")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(IoFailed, match=r"cannot read external[\s\S]*reason: Permission denied"):
        load_external([outside("a")], tmp_path / "m.onnx")


def raw(kind, dims, count):
    return TensorProto(name="w", data_type=kind, dims=dims, raw_data=bytes(count))


def listed(kind, dims, **values):
    return TensorProto(name="w", data_type=kind, dims=dims, **values)


T = TensorProto
SOUND = [
    pytest.param(raw(T.FLOAT, [2, 3], 24), id="float"),
    pytest.param(raw(T.FLOAT, [], 4), id="scalar"),
    pytest.param(raw(T.FLOAT, [0, 3], 0), id="empty"),
    pytest.param(raw(T.INT4, [3], 2), id="int4-rounded-up"),
    pytest.param(raw(T.COMPLEX64, [2], 16), id="complex"),
    pytest.param(listed(T.COMPLEX64, [2], float_data=[0] * 4), id="complex-pairs"),
    pytest.param(listed(T.FLOAT16, [3], int32_data=[0] * 3), id="half-in-int32"),
    pytest.param(listed(T.STRING, [1], string_data=[b"a"]), id="text"),
]


@pytest.mark.parametrize("item", SOUND)
def test_bytes_that_match_the_dims_pass(item):
    check_payload(item, HERE)


UNSOUND = [
    pytest.param(raw(T.FLOAT, [2, 3], 23), r"needed: 24 bytes\n  found: 23", id="one-short"),
    pytest.param(raw(T.INT4, [3], 3), r"needed: 2 bytes\n  found: 3", id="int4-too-long"),
    pytest.param(
        listed(T.COMPLEX64, [2], float_data=[0] * 2), r"needed: 4 values\n  found: 2", id="complex"
    ),
    pytest.param(listed(T.FLOAT, [2]), r"needed: 2 values\n  found: 0", id="nothing"),
    pytest.param(raw(T.FLOAT, [-2, -3], 24), "absurd size", id="two-negatives"),
    pytest.param(raw(T.FLOAT, [1 << 31], 0), r"absurd size[\s\S]*2147483648", id="huge"),
    pytest.param(raw(T.UNDEFINED, [1], 4), r"unknown type[\s\S]*code: 0", id="undefined"),
]


@pytest.mark.parametrize(("item", "text"), UNSOUND)
def test_bytes_that_do_not_match_are_told_in_numbers(item, text):
    with pytest.raises(FileError, match=text):
        check_payload(item, HERE)
