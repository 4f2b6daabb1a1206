"""`edgecv check`: the report is printed, and its verdict is the exit code."""

import json
from pathlib import Path

import pytest

from edgecv.errors import FileError

NODE = {"node": "n1", "op": "TopK", "reason": "k is too large", "rewrite": "a smaller k"}


def report(ok):
    row = {"name": "tensorrt-rtx", "version": "1.4", "targets": ["sm86"], "ok": ok, "problem": ""}
    row["refused"] = [NODE] if ok is False else []
    flavours = [] if ok is None else [row]
    return {
        "model": "m.onnx",
        "opset": 17,
        "nodes": 4,
        "ok": bool(ok),
        "flavours": flavours,
        "known": [],
    }


def test_options_reach_the_stage(stage, edgecv):
    check = stage("edgecv.check:check", report(True))
    words = "--target sm86,sm120 --runs R --set a.b=1 -q".split()
    assert edgecv("check", "m.onnx", *words).exit_code == 0
    assert check.asked == [
        {
            "path": Path("m.onnx"),
            "targets": ["sm86", "sm120"],
            "runs": Path("R"),
            "overrides": ["a.b=1"],
        }
    ]
    assert check.quiet == [True]


def test_no_target_asks_for_the_default_ones(stage, edgecv):
    from edgecv.check import DEFAULT_TARGETS, _targets

    check = stage("edgecv.check:check", report(True))
    edgecv("check", "m.onnx")
    assert _targets(check.asked[0]["targets"]) == DEFAULT_TARGETS


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 2), (None, 3)])
def test_the_report_is_printed_whatever_the_verdict(stage, edgecv, ok, code):
    stage("edgecv.check:check", report(ok))
    done = edgecv("check", "m.onnx", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (code, report(ok))
    done = edgecv("check", "m.onnx")
    assert done.exit_code == code
    assert done.stdout.startswith("m.onnx  opset 17, 4 nodes\n")
    assert ("rewrite  a smaller k" in done.stdout) == (ok is False)


def test_a_file_that_is_no_model_is_exit_2(stage, edgecv):
    stage("edgecv.check:check", FileError("not ONNX"))
    done = edgecv("check", "m.onnx", "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "error: not ONNX\n"
