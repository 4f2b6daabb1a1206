"""OpenVINO computes in what the bundle says, and tells nobody."""

import subprocess
import sys

import numpy as np
import pytest

from edgecv import engines
from edgecv.engines import openvino
from edgecv.recipe import Build


@pytest.mark.parametrize("precision", ["fp32", "tf32", "int8"])
def test_nothing_runs_in_bf16_unasked(save_net, precision):
    path = save_net("int8" if precision == "int8" else "fp32")
    counts = engines.count_precisions(
        engines.load_engine("openvino", path, precision=precision).layers()
    )
    assert "bf16" not in counts
    assert "fp16" not in counts
    if precision == "int8":
        assert counts["int8"] == 4  # three convolutions and the Gemm
    else:
        assert set(counts) == {"fp32"}


def test_without_the_hint_this_would_not_be_so(save_net):
    """The trap the hint is for: on a CPU with bf16, OpenVINO's own choice is bf16."""
    if "BF16" not in openvino.capabilities():
        pytest.skip("this CPU has no bf16")
    compiled = openvino._core().compile_model(openvino._read(save_net()), "CPU")
    kinds = {
        str(op.get_rt_info()["runtimePrecision"].value)
        for op in compiled.get_runtime_model().get_ops()
    }
    assert "bf16" in kinds


@pytest.mark.parametrize(("precision", "rest"), [("fp16", "fp32"), ("int8", "fp16")])
def test_fp16_runs_in_fp16_only_where_the_cpu_can(save_net, monkeypatch, precision, rest):
    path = save_net("fp16" if precision == "fp16" else "int8")
    monkeypatch.setattr(openvino, "capabilities", lambda: ("FP32", "BF16", "INT8"))
    engine = engines.load_engine("openvino", path, precision=precision, rest=rest)
    counts = engines.count_precisions(engine.layers())
    assert "fp16" not in counts
    assert "bf16" not in counts


def test_fp16_is_what_the_engine_reports_where_the_cpu_can(save_net):
    if "FP16" not in openvino.capabilities():
        pytest.skip("this CPU has no fp16 arithmetic")
    engine = engines.load_engine("openvino", save_net("fp16"), precision="fp16")
    assert engines.count_precisions(engine.layers())["fp16"] >= 4


@pytest.mark.parametrize(
    ("precision", "rest", "says"),
    [
        ("tf32", "fp32", "computes in fp32"),
        ("fp16", "fp32", "no fp16"),
        ("int8", "fp16", "no fp16"),
    ],
)
def test_a_precision_the_cpu_lacks_is_said(save_net, tmp_path, monkeypatch, precision, rest, says):
    monkeypatch.setattr(openvino, "capabilities", lambda: ("FP32",))
    folder = tmp_path / "b"
    folder.mkdir()
    built = engines.build_engine(
        "openvino", save_net(), folder, Build(precision=precision, rest=rest)
    )
    assert says in built.log[0]


def test_loading_sends_nothing_and_imports_no_telemetry(save_net):
    code = f"""
import sys
def hook(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise SystemExit("network: " + event)
sys.addaudithook(hook)
from pathlib import Path
from edgecv import engines
engine = engines.load_engine("openvino", Path({str(save_net())!r}), precision="fp32")
engine.execute(engines.zeros(engine.inputs))
engine.close()
assert not [name for name in sys.modules if name.startswith("openvino_telemetry")], "telemetry"
assert "torch" not in sys.modules and "onnx" not in sys.modules, "training packages"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_int8_results_are_close_to_the_graphs_own(save_net, rng):
    path, images = save_net("int8"), rng.standard_normal((1, 3, 16, 16)).astype(np.float32)
    got, want = (
        engines.load_engine(name, path, precision="int8").execute({"images": images})["logits"]
        for name in ("openvino", "onnxruntime")
    )
    assert np.abs(got - want).max() <= 0.02 * np.abs(want).max()
