"""What a GPU says of its clock: nvidia-smi's line, a Jetson's files, or nothing."""

import subprocess

import pytest

from edgecv.bench import gpu_state as room
from edgecv.bench.gpu_state import gpu_state, steady


@pytest.mark.parametrize(
    ("before", "after", "want"),
    [
        ({"sm_mhz": 1000.0}, {"sm_mhz": 1010.0}, True),
        ({"sm_mhz": 1000.0}, {"sm_mhz": 900.0}, False),
        ({"sm_mhz": 1000.0}, {"sm_mhz": 1000.0, "throttled_by": "0x0000000000000004"}, False),
        ({"sm_mhz": 1000.0}, {"sm_mhz": 1000.0, "throttled_by": "0x0000000000000000"}, True),
        ({"sm_mhz": 1000.0}, {"sm_mhz": 1000.0, "throttled_by": "0x0000000000000001"}, True),
        ({"sm_mhz": 1000.0}, {"sm_mhz": 971.0}, True),
        ({"sm_mhz": 1000.0}, {"sm_mhz": 969.0}, False),
        ({"sm_mhz": 969.0}, {"sm_mhz": 1000.0}, False),
        ({}, {"sm_mhz": 1000.0}, None),
        ({"sm_mhz": 0.0}, {"sm_mhz": 0.0}, None),
        ({"sm_mhz": "[N/A]"}, {"sm_mhz": 1000.0}, None),
    ],
)
def test_a_clock_that_moved_is_not_steady(before, after, want):
    assert steady(before, after) is want


@pytest.fixture
def no_jetson(monkeypatch):
    monkeypatch.setattr(room, "_jetson", dict)


def test_a_machine_without_a_gpu_says_nothing(monkeypatch, no_jetson):
    monkeypatch.setattr(room.shutil, "which", lambda _name: None)
    assert gpu_state() == {}


def test_a_program_that_hangs_or_says_too_little_is_nothing(monkeypatch, no_jetson):
    monkeypatch.setattr(room.shutil, "which", lambda name: name)
    monkeypatch.setattr(room, "_TIMEOUT_S", 0.01)

    def hangs(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(room.subprocess, "run", hangs)
    assert gpu_state() == {}
    short = subprocess.CompletedProcess([], 0, stdout="H200, 580.1\n")
    monkeypatch.setattr(room.subprocess, "run", lambda *_a, **_o: short)
    assert gpu_state() == {}


def test_a_jetson_is_asked_first(monkeypatch):
    monkeypatch.setattr(room, "_jetson", lambda: {"sm_mhz": 1.0})
    monkeypatch.setattr(room.shutil, "which", lambda _name: pytest.fail("nvidia-smi was asked"))
    assert gpu_state() == {"sm_mhz": 1.0}


def test_nvidia_smis_line_is_read(monkeypatch, no_jetson, tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'H200, 580.1, 1980, 2619, 90.5, 35, P0, 0x0'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert gpu_state()["sm_mhz"] == 1980.0
    assert gpu_state()["performance_state"] == "P0"
    program.write_text("#!/bin/sh\nexit 9\n")
    assert gpu_state() == {}


def test_a_jetsons_clock_is_read_from_the_system(tmp_path):
    gpu = tmp_path / "17000000.gpu"
    gpu.mkdir()
    for name, hertz in (("cur", 611000000), ("min", 306000000), ("max", 1020000000)):
        (gpu / f"{name}_freq").write_text(f"{hertz}\n")
    assert room._jetson(tmp_path) == {"name": "17000000.gpu", "sm_mhz": 611.0, "locked": False}
    for name in ("cur", "min"):
        (gpu / f"{name}_freq").write_text("1020000000\n")
    assert room._jetson(tmp_path)["locked"] is True
    (gpu / "max_freq").write_text("nonsense")
    assert room._jetson(tmp_path) == room._jetson(tmp_path / "none") == {}
