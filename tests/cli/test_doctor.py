"""`edgecv doctor`: the report is printed, and its verdict is the exit code."""

import json
from pathlib import Path

import pytest

from edgecv.doctor import doctor


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return json.loads(json.dumps(doctor(None, tmp_path_factory.mktemp("none"))))


def test_options_reach_the_stage(stage, edgecv, report):
    asked = stage("edgecv.doctor:doctor", report)
    assert edgecv("doctor", "B", "--runs", "R", "-q").exit_code == 0
    assert edgecv("doctor").exit_code == 0
    assert asked.asked == [
        {"bundle": Path("B"), "runs": Path("R")},
        {"bundle": None, "runs": Path("runs")},
    ]
    assert asked.quiet == [True, False]


TRIED = [
    pytest.param({"loads": True, "problem": ""}, 0, id="loads"),
    pytest.param({"loads": False, "problem": "another GPU"}, 3, id="does-not-load"),
    pytest.param({"loads": True, "problem": "self-test failed"}, 4, id="fails-its-test"),
]


@pytest.mark.parametrize(("tried", "code"), TRIED)
def test_the_report_is_printed_whatever_the_verdict(stage, edgecv, report, tried, code):
    facts = {"bundle": "B", "seconds": 1.0, "facts": {}, "fix": "edgecv build B"}
    whole = {**report, "bundle": {**facts, **tried}}
    stage("edgecv.doctor:doctor", whole)
    done = edgecv("doctor", "B", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (code, whole)
    assert ("fix: edgecv build B" in done.stderr) == (code != 0)


def test_a_machine_where_nothing_executes_is_exit_3(stage, edgecv, report):
    stage("edgecv.doctor:doctor", {**report, "backends": dict.fromkeys(report["backends"], False)})
    done = edgecv("doctor")
    assert (done.exit_code, "edgecv[cpu]" in done.stderr) == (3, True)
    assert done.stdout.startswith("edgecv ")
