"""`edgecv inspect`: layers are listed only when they are asked for."""

import json
from pathlib import Path

import pytest

from edgecv.errors import FileError
from edgecv.inspect import as_text, inspect


@pytest.fixture
def report(tiny_bundle):
    layer = {"name": "conv1", "type": "Conv", "asked": "int8", "achieved": "fp32"}
    return {**inspect(tiny_bundle("classify")), "layers": [layer]}


def test_the_bundle_reaches_the_stage(stage, edgecv, report):
    asked = stage("edgecv.inspect:inspect", report)
    assert edgecv("inspect", "B", "-q").exit_code == 0
    assert (asked.asked, asked.quiet) == ([{"folder": Path("B")}], [True])


@pytest.mark.parametrize("layers", [True, False])
def test_layers_are_printed_when_asked_for(stage, edgecv, report, layers):
    words = ["--layers"] if layers else []
    stage("edgecv.inspect:inspect", dict(report))
    said = json.loads(edgecv("inspect", "B", "--json", *words).stdout)
    whole = json.loads(json.dumps(report))
    assert said == (whole if layers else {k: v for k, v in whole.items() if k != "layers"})
    stage("edgecv.inspect:inspect", dict(report))
    lines = edgecv("inspect", "B", *words).stdout.splitlines()
    assert lines == as_text(report, layers=layers).splitlines()
    assert ("int8    fp32      Conv  conv1   <- differs" in lines) == layers


def test_a_broken_bundle_is_exit_2(stage, edgecv):
    stage("edgecv.inspect:inspect", FileError("bundle was changed"))
    done = edgecv("inspect", "B", "--json")
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", "error: bundle was changed\n")
