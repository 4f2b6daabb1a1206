"""The driver's version, and what is found where there is no driver."""

import re
from types import SimpleNamespace

import pytest

from edgecv.cuda.driver import Device
from edgecv.doctor.nvidia import driver_version, nvidia_facts

PROC = [
    pytest.param(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024",
        "550.54.14",
        id="proprietary",
    ),
    pytest.param(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build",
        "580.95.05",
        id="open",
    ),
    pytest.param(
        "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.4.0  Release Build",
        "540.4.0",
        id="jetson",
    ),
    pytest.param("something else", "unknown", id="unknown-form"),
]


@pytest.mark.parametrize(("text", "version"), PROC)
def test_driver_version_is_read_from_proc(tmp_path, text, version):
    (tmp_path / "version").write_text(text)
    assert driver_version(tmp_path / "version") == version


def test_no_driver_is_empty(tmp_path):
    assert driver_version(tmp_path / "none") == ""


def test_machine_without_a_driver_lists_no_device(monkeypatch):
    monkeypatch.setattr("edgecv.doctor.nvidia.load_driver", lambda: None)
    monkeypatch.setattr("edgecv.doctor.nvidia.devices", tuple)
    monkeypatch.setenv("PATH", "")
    found = nvidia_facts()
    assert (found["cuda"], found["devices"], found["nvidia_smi"]) == ("", [], [])


def test_tensorrt_flavours_carry_their_version():
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: edgecv[rtx]")
    assert nvidia_facts()["tensorrt"]["tensorrt_rtx"][0].isdigit()


@pytest.mark.parametrize(
    ("have", "told"),
    [((), "found: none"), (("sm75",), r"found: 13\.5 \(here\)"), (("sm87",), "^$")],
    ids=["none", "not-for-this-device", "fits"],
)
def test_a_device_the_kernels_cannot_be_compiled_for_is_said(monkeypatch, have, told):
    nvrtc = SimpleNamespace(version=(13, 5), path="here", capabilities=lambda: have)
    monkeypatch.setattr("edgecv.cuda.nvrtc.installed", lambda: (nvrtc,) if have else ())
    monkeypatch.setattr("edgecv.doctor.nvidia.devices", lambda: (Device("Orin", "sm87"),))
    monkeypatch.setattr("edgecv.doctor.nvidia.cuda_version", lambda: (13, 0))
    assert re.search(told, nvidia_facts()["compiler"])
