"""The onnx package's PyTorch cases: old files with real inputs and the outputs PyTorch gave.

All are upgraded (opset 6 and older too) and agree in ONNX Runtime. What TensorRT-RTX builds is
counted; what it refuses, `check` names with its node and the reason.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgecv.check import check
from edgecv.graph.adopt import normalise
from edgecv.graph.parity import Reference, difference
from edgecv.graph.read import load_graph, save_graph, true_inputs

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data"
CASES = {"pytorch-converted": 82, "pytorch-operator": 35}
REFUSED = ["test_MaxPool1d_stride_padding_dilation", "test_MaxPool2d_stride_padding_dilation"]


def cases(kind):
    return sorted(path.parent for path in FOLDER.glob(f"{kind}/*/model.onnx"))


def stored(folder, what):
    for path in sorted(folder.glob(f"{what}_*.pb")):
        yield numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes()))


@pytest.fixture(scope="module")
def upgraded():
    """Case -> its model in the normal form."""
    folders = [folder for kind in CASES for folder in cases(kind)]
    return {folder.name: normalise(load_graph(folder / "model.onnx")) for folder in folders}


@pytest.mark.parametrize("kind", CASES)
def test_every_case_is_upgraded_and_agrees_with_what_pytorch_gave(kind, upgraded):
    folders = cases(kind)
    assert len(folders) == CASES[kind]
    for folder in folders:
        model = upgraded[folder.name]
        names = [value.name for value in true_inputs(model)]
        sets = sorted(folder.glob("test_data_set_*"))
        assert sets, folder.name
        run = Reference(model)
        for data in sets:
            found = run(dict(zip(names, stored(data, "input"), strict=True)))
            for value, output in zip(stored(data, "output"), model.graph.output, strict=True):
                gap = difference(found[output.name], value).relative
                assert gap < 1e-4, f"{folder.name} {output.name}"


def test_openvino_agrees_too_where_the_type_is_its_own(upgraded):
    openvino = pytest.importorskip("openvino")
    core = openvino.Core()
    core.set_property({"INFERENCE_PRECISION_HINT": "f32"})
    for kind in CASES:
        for folder in cases(kind):
            model = upgraded[folder.name]
            network = core.compile_model(core.read_model(model.SerializeToString()), "CPU")
            for data in sorted(folder.glob("test_data_set_*")):
                found = network(list(stored(data, "input")))
                for value, result in zip(stored(data, "output"), found.values(), strict=True):
                    if value.dtype != np.float64:  # computed in float32 there
                        assert difference(result, value).relative < 1e-4, folder.name


def test_rtx_builds_all_but_two_and_check_names_their_nodes(upgraded, tmp_path):
    pytest.importorskip("tensorrt_rtx")
    files = [save_graph(model, tmp_path / f"{name}.onnx") for name, model in upgraded.items()]
    child = subprocess.run(
        [sys.executable, Path(__file__).with_name("rtx_many.py"), *files],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    rows = [json.loads(line) for line in child.stdout.splitlines() if line.startswith("[")]
    assert len(rows) == len(files) == sum(CASES.values())
    refused = {Path(file).stem: reason for file, reason in rows if reason}
    assert sorted(refused) == REFUSED
    report = check(tmp_path / f"{REFUSED[1]}.onnx", targets=("sm86",))
    assert report["ok"] is False
    (row,) = [row for row in report["flavours"] if row["name"] == "tensorrt-rtx"]
    (item,) = row["refused"]
    assert item["op"] == "MaxPool"
    assert item["node"] in {node.name for node in upgraded[REFUSED[1]].graph.node}
    assert "dilations" in item["reason"]
