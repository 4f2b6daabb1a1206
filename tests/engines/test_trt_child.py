"""The child process writes what it built, or the error with its class."""

import json

import pytest

from edgecv.engines import trt_build
from edgecv.engines.trt_child import RESULT, main
from edgecv.engines.trt_job import Job
from tests.engines.fake_tensorrt import FakeTensorRT


@pytest.fixture
def job(tmp_path, monkeypatch):
    def write(**fake):
        trt = FakeTensorRT("10.3.0.26", **fake)
        monkeypatch.setattr(trt_build, "import_tensorrt", lambda flavour, to_build: trt)
        (tmp_path / "model.onnx").write_bytes(b"x")
        made = Job(
            "tensorrt",
            str(tmp_path / "model.onnx"),
            "",
            str(tmp_path / "engine.plan"),
            {"precision": "fp32"},
            (1, 1, 1),
        )
        (tmp_path / "job.json").write_text(json.dumps(made.to_dict()))
        return [str(tmp_path / "job.json")]

    return write


def test_what_was_built_is_in_the_result(job, tmp_path):
    assert main(job()) == 0
    result = json.loads((tmp_path / RESULT).read_text())
    assert result["built"]["version"] == "10.3.0.26"
    assert (tmp_path / "engine.plan").read_bytes() == b"the plan"


def test_an_error_keeps_its_class_and_facts(job, tmp_path):
    assert main(job(fails="parse")) == 0
    error = json.loads((tmp_path / RESULT).read_text())["error"]
    assert error["kind"] == "UnsupportedModel"
    assert error["facts"]["node"] == "the_node"
    assert "edgecv check" in error["fix"]
