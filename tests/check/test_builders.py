"""The builder runs in a process of its own; its death is an answer, never ours."""

import pytest

from edgecv.check import builders
from edgecv.check.builders import Flavour, attempt, flavours

RTX = Flavour("tensorrt-rtx", "tensorrt_rtx", "1")


def test_a_dying_builder_is_an_answer(onnx_model, tmp_path, monkeypatch):
    child = tmp_path / "child.py"
    child.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    monkeypatch.setattr(builders, "_CHILD", child)
    said = attempt(onnx_model("fine"), RTX, ())
    assert (said.ok, said.errors) == (False, ("the builder's process died: exit code -9",))


def test_a_builder_that_hangs_is_an_answer(onnx_model, tmp_path, monkeypatch):
    child = tmp_path / "child.py"
    child.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(builders, "_CHILD", child)
    monkeypatch.setattr(builders, "_TIMEOUT_S", 0.2)
    assert "did not finish" in attempt(onnx_model("fine"), RTX, ()).errors[0]


def test_flavour_says_its_version():
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: edgecv[rtx]")
    rtx = next(f for f in flavours() if f.module == "tensorrt_rtx")
    assert rtx.name == "tensorrt-rtx"
    assert rtx.version[0].isdigit()
