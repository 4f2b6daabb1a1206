"""benchmarks/gpu.py runs: every part of it once, small, on the emulated device."""

import re
import shutil
import subprocess
import sys
import tarfile

import pytest

from benchmarks import gpu
from edgecv.bench import device
from edgecv.cuda import driver
from edgecv.recipe import Bench
from tests.cuda.device import open_session


@pytest.fixture
def small(monkeypatch):
    for name, value in {
        "FRAME": (48, 64),
        "INPUT": (24, 24),
        "RUNS": 2,
        "WARMUP": 1,
        "THREAD_FRAMES": 3,
        "SOAK_FRAMES": 6,
        "OBJECTS": (0, 2),
        "POINTS": 64,
        "CLASSES": 3,
        "MEASURE": Bench(warmup=1, frames=2),
    }.items():
        monkeypatch.setattr(gpu, name, value)
    monkeypatch.setattr(device, "PACE_S", 1e-4)


def test_kernels_are_compared_and_timed(small, monkeypatch):
    with open_session("forward", monkeypatch) as session:
        bits, boxes = gpu.letterbox_bits(session), gpu.dense_decoding(session)
    assert bits["holds"]
    assert len(bits["rows"]) == 9
    assert boxes["holds"], boxes
    assert boxes["rows"]["2"]["found"] == 2


def test_an_engine_is_built_held_to_its_golden_sample_and_measured(
    small, machine, plan_bundle, monkeypatch, tmp_path
):
    machine()

    def rebuild(bundle, *, backend, out):
        assert backend == "tensorrt"
        return shutil.copytree(plan_bundle("classify"), out)

    monkeypatch.setattr(gpu, "rebuild", rebuild)
    row = gpu.engine(tmp_path / "net" / "fp32-onnxruntime", tmp_path / "built", "tensorrt")
    assert row["graph_equals_eager"]
    assert row["differences"]["logits"] < 1e-4
    assert {"copy_ms", "letterbox_ms", "engine_ms", "decode_ms"} <= set(row["steps_ms"])
    place = tmp_path / "built" / "net" / "fp32-onnxruntime"
    assert gpu.soak(place)["grown"]["session_bytes"] == 0
    assert gpu.threads(place)["holds"]


def test_the_whole_command_writes_every_part(
    small, machine, plan_bundle, tiny_bundle, monkeypatch, tmp_path
):
    machine()
    source = tiny_bundle("classify")
    monkeypatch.setattr(
        gpu, "rebuild", lambda bundle, backend, out: shutil.copytree(plan_bundle("classify"), out)
    )
    monkeypatch.setattr(gpu, "installed_version", lambda flavour: "10.3.0.26")
    pack = tmp_path / "pack"
    shutil.copytree(source, pack / "resnet-tiny" / "fp32-onnxruntime")
    with tarfile.open(tmp_path / "carried.tar.gz", "w:gz") as tar:
        tar.add(pack / "resnet-tiny", arcname="resnet-tiny")
    written = []
    monkeypatch.setattr(gpu, "record", lambda name, found, **_: written.append(found))
    monkeypatch.setattr("sys.argv", ["gpu", "--pack", str(tmp_path / "carried.tar.gz")])
    code = gpu.main()
    parts = written[-1]["parts"]
    assert set(parts) == {"letterbox", "dense_decoding", "resnet-tiny/fp32", "soak", "threads"}
    assert not [row["error"] for row in parts.values() if "error" in row]
    assert len(written) == len(parts)
    assert code == (0 if all(row["holds"] for row in parts.values()) else 1)


BLOCK = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import pytest
sys.exit(pytest.main(["-q", "-m", "gpu", "--collect-only", *sys.argv[2:]]))
"""


def test_what_gpu_check_runs_is_collected_without_torch_and_onnx(root):
    folders = re.search(r"^GPU_TESTS := (.*)$", (root / "Makefile").read_text(), re.M)[1].split()
    absent = "torch,onnx,onnxruntime,openvino,scipy,skimage,sklearn,numba,supervision,tensorrt_rtx"
    done = subprocess.run(
        [sys.executable, "-c", BLOCK, absent, *folders],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-1500:]
    assert "errors" not in done.stdout.splitlines()[-1]


def test_a_machine_without_a_gpu_is_told_apart(monkeypatch, capsys):
    monkeypatch.setattr(driver, "open_driver", lambda: None)
    monkeypatch.setattr("sys.argv", ["gpu"])
    assert gpu.main() == 3
    assert "no NVIDIA GPU" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")
@pytest.mark.skipif(driver.device_count() > 0, reason="this machine has a GPU")
def test_gpu_check_looks_for_a_gpu_before_it_installs_anything(root, tmp_path):
    done = subprocess.run(
        ["make", "-C", str(root), "gpu-check", f"VENV={tmp_path / 'venv'}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "needs an NVIDIA driver and a GPU" in done.stderr
    assert "installing" not in done.stdout
    assert not (tmp_path / "venv").exists()
