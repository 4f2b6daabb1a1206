"""What the machine has is told; what stands in the way is an exit code with its fix."""

import json

import pytest
from typer.testing import CliRunner

from edgecv.cli.app import app
from edgecv.doctor import as_text, doctor, require_healthy
from edgecv.errors import EngineMismatch, GateFailed, MachineError


@pytest.fixture(scope="module")
def report():
    return doctor()


def bare(report):
    """The same machine without any engine package and GPU."""
    return {**report, "backends": dict.fromkeys(report["backends"], False)}


def test_this_machine_is_described(report):
    assert report["machine"]["cores"] >= 1
    assert report["machine"]["memory_mib"]["total"] >= report["machine"]["memory_mib"]["available"]
    assert any(report["backends"].values())
    require_healthy(report)


def test_report_is_json_and_text(report):
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    text = as_text(report)
    assert report["machine"]["python"] in text
    assert all(note in text for note in report["notes"])


def test_verb_prints_json_and_exits_0():
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert (done.exit_code, "machine" in json.loads(done.stdout)) == (0, True)


def test_machine_where_nothing_executes_is_exit_3(report):
    with pytest.raises(MachineError, match=r"no backend[\s\S]*edgecv\[cpu\]"):
        require_healthy(bare(report))


def test_bundle_that_does_not_load_is_exit_3_with_the_command(report):
    tried = {
        "loads": False,
        "problem": "built for another GPU",
        "facts": {"sm": "86"},
        "fix": "x y",
    }
    with pytest.raises(EngineMismatch, match=r"another GPU\n  sm: 86\n  fix: x y"):
        require_healthy({**report, "bundle": tried})


def test_bundle_whose_self_test_fails_is_exit_4(report):
    tried = {"loads": True, "problem": "self-test failed", "facts": {}, "fix": "x"}
    with pytest.raises(GateFailed, match="self-test failed"):
        require_healthy({**report, "bundle": tried})


def test_bundle_that_loads_makes_a_machine_healthy(report):
    require_healthy({**bare(report), "bundle": {"loads": True, "problem": ""}})


NOTES = [
    pytest.param({"opencv": {"gstreamer": False, "window": True}}, "no GStreamer", id="gstreamer"),
    pytest.param({"opencv": {"gstreamer": True, "window": False}}, "no window", id="window"),
    pytest.param(
        {"nvidia": {"tensorrt": {}, "devices": [], "compiler": "no NVRTC"}}, "no NVRTC", id="nvrtc"
    ),
    pytest.param({"jetson": {"jetpack": "5.1.x"}}, "trtexec", id="jetpack-5"),
    pytest.param({"jetson": {"jetpack": "6.0"}}, "system-site-packages", id="venv-hides-tensorrt"),
]


@pytest.mark.parametrize(("change", "text"), NOTES)
def test_note_comes_with_what_causes_it(report, change, text):
    from edgecv.doctor import _notes

    nvidia = {**report["nvidia"], "tensorrt": {}, "devices": [], "compiler": ""}
    calm = {**report, "nvidia": nvidia, "jetson": {}, "opencv": {}}
    assert _notes(calm) == []
    (note,) = _notes({**calm, **change})
    assert text in note
