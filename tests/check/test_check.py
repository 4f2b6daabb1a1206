"""What TensorRT-RTX really refuses is named, with its reason and rewrite; what it builds passes."""

import json

import pytest
from typer.testing import CliRunner

from edgecv.check import as_text, check, require_buildable
from edgecv.cli.app import app
from edgecv.errors import FileError, MachineError, UnknownName, UnsupportedModel, UsageError

pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: edgecv[rtx]")

REFUSED = [  # model, nodes refused, part of the reason, part of the rewrite
    ("max-pool-indices", {"the_MaxPool", "the_MaxUnpool"}, "outputs", "rank mask"),
    ("dilated-max-pool", {"the_MaxPool"}, "dilations other than 1", "Slices"),
    ("non-zero", {"the_NonZero"}, "plugin", "fixed capacity"),
    ("top-k-4000", {"the_TopK"}, "3840", "K <= 3840"),
    ("nms", {"the_NonMaxSuppression"}, "no runners", "own head"),
    ("roi-align", {"the_RoiAlign"}, "plugin was not found", "GridSample"),
    ("resize-antialias", {"the_Resize"}, "ntialias", "AveragePool"),
    ("zero-point", {"the_QuantizeLinear", "the_DequantizeLinear"}, "zero point", "symmetric"),
    ("int32-bias", {"the_DequantizeLinear"}, "Int32", "floating point"),
    ("affine-grid", {"the_AffineGrid"}, "does not know", "base grid"),
    ("deform-conv", {"the_DeformConv"}, "lugin not found", "offset positions"),
    ("two-kinds", {"the_NonMaxSuppression", "dilated"}, "", ""),
]


@pytest.mark.parametrize(
    ("name", "nodes", "reason", "rewrite"), [pytest.param(*row, id=row[0]) for row in REFUSED]
)
def test_refused_node_is_named_with_reason_and_rewrite(onnx_file, name, nodes, reason, rewrite):
    report = check(onnx_file(name), targets=("sm86",))
    refused = report["flavours"][0]["refused"]
    assert {item["node"] for item in refused} == nodes
    assert reason in refused[0]["reason"]
    assert rewrite in refused[0]["rewrite"]
    assert all(item["rewrite"] for item in refused)
    with pytest.raises(UnsupportedModel, match=rf"tensorrt-rtx .* refuses {len(nodes)} of"):
        require_buildable(report)


@pytest.mark.parametrize("name", ["fine", "open-batch", "top-k-3840"])
def test_model_that_builds_passes(onnx_file, name):
    report = check(onnx_file(name))
    assert report["ok"]
    assert report["flavours"][0]["targets"] == ["sm86", "sm89", "sm120"]
    require_buildable(report)
    assert "builds" in as_text(report)


def test_other_flavours_are_judged_by_the_table(onnx_file):
    known = check(onnx_file("deform-conv"), targets=("sm86",))["known"]
    assert [item["op"] for item in known] == ["DeformConv", "the graph"]
    assert known[0]["refused_by"] == ["tensorrt 8.5 .. 10.0"]
    assert known[1]["what"] == "opset above 17"


def test_verb_prints_json_and_exits_2_when_something_is_refused(onnx_file):
    done = CliRunner().invoke(app, ["check", str(onnx_file("nms")), "--json", "--target", "sm86"])
    assert done.exit_code == 2
    report = json.loads(done.stdout)
    assert report["flavours"][0]["refused"][0]["op"] == "NonMaxSuppression"
    assert "refuses 1 of 2 nodes" in done.stderr


def test_verb_exits_0_when_all_builds(onnx_file):
    done = CliRunner().invoke(app, ["check", str(onnx_file("fine"))])
    assert (done.exit_code, "builds" in done.stdout) == (0, True), done.output


def test_without_tensorrt_the_table_still_speaks_and_the_exit_code_is_3(onnx_file, monkeypatch):
    monkeypatch.setattr("edgecv.check.flavours", lambda: ())
    done = CliRunner().invoke(app, ["check", str(onnx_file("top-k-4000"))])
    assert done.exit_code == 3
    assert "K <= 3840" in done.stdout
    assert "edgecv[rtx]" in done.stderr
    with pytest.raises(MachineError, match="nothing was tried"):
        require_buildable(check(onnx_file("fine")))


def test_wrong_files_and_targets_are_refused(onnx_file, tmp_path):
    with pytest.raises(FileError, match="not found"):
        check(tmp_path / "none.onnx")
    with pytest.raises(UsageError, match="not a compute capability"):
        check(onnx_file("fine"), targets=("ampere",))


def test_target_tensorrt_does_not_have_is_no_crash_of_ours(onnx_file):
    with pytest.raises(UnknownName, match="sm11"):
        check(onnx_file("fine"), targets=("sm11",))


def test_flavour_whose_builder_does_not_start_is_told_and_not_counted(onnx_file, monkeypatch):
    def no_gpu(model, flavour, targets):
        raise MachineError("TensorRT's builder needs a GPU")

    monkeypatch.setattr("edgecv.check.attempt", no_gpu)
    report = check(onnx_file("fine"))
    assert [row["ok"] for row in report["flavours"]] == [None]
    assert "not tried: TensorRT's builder needs a GPU" in as_text(report)
    with pytest.raises(MachineError, match="no TensorRT flavour builds here"):
        require_buildable(report)
