"""A builder in a process of its own: its crash is a message, its errors keep their class."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import edgecv
from edgecv import progress
from edgecv.engines import trt_process
from edgecv.engines.trt_job import Job
from edgecv.engines.trt_process import build_in_child
from edgecv.errors import EdgecvError, MissingPackage, UnknownName, UnsupportedModel


def test_a_builder_that_dies_is_an_error_with_its_last_words(monkeypatch, tmp_path):
    real = subprocess.Popen

    def dying(command, **options):
        code = "import os; print('ERROR: last words', flush=True); os.abort()"
        return real([sys.executable, "-c", code], **options)

    monkeypatch.setattr(trt_process.subprocess, "Popen", dying)
    job = Job("tensorrt-rtx", "m", "", "p", {}, (1, 1, 1))
    with pytest.raises(UnsupportedModel, match="died while building") as caught:
        build_in_child(job)
    assert "last words" in str(caught.value)
    assert caught.value.facts["exit_status"] == -6


@pytest.mark.parametrize("kind", [UnsupportedModel, MissingPackage, UnknownName])
def test_an_error_of_the_child_is_raised_in_its_own_class(monkeypatch, kind):
    said = {"kind": kind.__name__, "what": "no", "fix": "do", "facts": {"node": "x"}}
    real = subprocess.Popen

    def failing(command, **options):
        write = f"import pathlib; pathlib.Path({str(Path(command[-1]).with_name('result.json'))!r})"
        code = f"{write}.write_text({json.dumps({'error': said})!r})"
        return real([sys.executable, "-c", code], **options)

    monkeypatch.setattr(trt_process.subprocess, "Popen", failing)
    with pytest.raises(kind, match="fix: do") as caught:
        build_in_child(Job("tensorrt", "m", "", "p", {}, (1, 1, 1)))
    assert isinstance(caught.value, EdgecvError)
    assert caught.value.facts == {"node": "x"}


def test_what_the_child_built_is_returned_and_it_finds_this_edgecv(monkeypatch, tmp_path):
    """The child runs in another folder, with the job it was given."""
    real = subprocess.Popen

    def child(command, **options):
        assert command[1:3] == ["-m", "edgecv.engines.trt_child"]
        code = """
import json, pathlib, sys
import edgecv
job = pathlib.Path(sys.argv[1])
built = {"edgecv": edgecv.__file__, "job": json.loads(job.read_text())}
job.with_name("result.json").write_text(json.dumps({"built": built}))
"""
        return real([sys.executable, "-c", code, command[-1]], cwd=tmp_path, **options)

    monkeypatch.setattr(trt_process.subprocess, "Popen", child)
    built = build_in_child(Job("tensorrt", "m.onnx", "", "p", {"precision": "fp16"}, (1, 2, 4)))
    assert built["edgecv"] == edgecv.__file__
    assert built["job"]["model"] == "m.onnx"
    assert built["job"]["batch"] == [1, 2, 4]


LINES = [
    "INFO: Opset version: 20",
    "PROGRESS: Building engine 0/3",
    "PROGRESS: Cloning 1/227",
    "PROGRESS: Building engine 1/3",
    "PROGRESS: Building engine 1/3",
    "INFO: [MemUsage] x",
    "ERROR: no such thing",
]


def test_the_user_sees_errors_and_how_far_the_whole_build_is(capsys):
    progress.set_quiet(False)
    shown = trt_process._Shown("tensorrt-rtx")
    for line in LINES:
        shown(line)
    assert capsys.readouterr().err.splitlines() == [
        "tensorrt-rtx: Building engine, step 1/3",
        "tensorrt-rtx: no such thing",
    ]


def test_what_the_build_notes_is_shown(capsys):
    progress.set_quiet(False)
    trt_process._Shown("tensorrt")("NOTE: the timing cache was not kept: disk full")
    said = capsys.readouterr().err.strip()
    assert said == "tensorrt: the timing cache was not kept: disk full"


def test_without_a_monitor_the_log_is_what_is_shown(capsys):
    progress.set_quiet(False)
    shown = trt_process._Shown("tensorrt")
    for line in (line for line in LINES if not line.startswith("PROGRESS")):
        shown(line)
    assert capsys.readouterr().err.splitlines() == [
        "tensorrt: [MemUsage] x",
        "tensorrt: no such thing",
    ]
