"""The verbs of a device do their whole work where torch and onnx cannot be imported."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "onnx", "onnxscript", "lightning_fabric", "safetensors"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from edgecv.cli.app import app
app(sys.argv[1:], prog_name="edgecv")
"""


@pytest.fixture
def device(root):
    def device(*command):
        return subprocess.run(
            [sys.executable, "-c", WITHOUT, *map(str, command)],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return device


@pytest.fixture
def bundle(classifier, tmp_path):
    return shutil.copytree(classifier.bundle("int8-openvino"), tmp_path / "b" / "int8-openvino")


@pytest.fixture
def picture(tmp_path, rng):
    import cv2

    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), rng.integers(0, 256, (40, 30, 3), dtype=np.uint8))
    return path


VERBS = [  # command, a word of what it prints, a file it writes
    pytest.param(("run", "BUNDLE", "PICTURE", "--json"), '"classes"', "", id="run"),
    pytest.param(
        ("bench", "BUNDLE", "--frames", "3", "--json"), '"end_to_end"', "latency.json", id="bench"
    ),
    pytest.param(
        ("evaluate", "BUNDLE", "--images", "4", "--json"), '"value"', "accuracy.json", id="evaluate"
    ),
    pytest.param(("inspect", "BUNDLE", "--layers"), "int8", "", id="inspect"),
    pytest.param(("doctor", "BUNDLE"), "loads here; self-test passed", "", id="doctor"),
    pytest.param(
        ("build", "BUNDLE", "--backend", "onnxruntime", "--out", "BUNDLE-new"),
        "BUNDLE-new",
        "",
        id="build",
    ),
]


@pytest.mark.parametrize(("command", "word", "written"), VERBS)
def test_device_verb_works_without_torch_and_onnx(device, bundle, picture, command, word, written):
    def place(part):
        return part.replace("BUNDLE", str(bundle)).replace("PICTURE", str(picture))

    done = device(*map(place, command))
    assert done.returncode == 0, done.stderr
    assert place(word) in done.stdout
    assert not written or (bundle / written).is_file()


def test_verb_that_needs_onnx_says_so_with_its_extra(device, tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"x")
    done = device("check", tmp_path / "m.onnx")
    assert done.returncode == 3, done.stderr
    assert "edgecv[export]" in done.stderr


def test_verb_that_needs_torch_says_so_with_its_extra(device, tmp_path):
    done = device("train", "tiny/resnet", "--runs", tmp_path)
    assert done.returncode == 3, done.stderr
    assert "edgecv[train]" in done.stderr
