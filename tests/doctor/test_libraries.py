"""What OpenCV was built with, and runtimes that are there, absent or broken."""

import pytest

from edgecv.doctor import libraries
from edgecv.doctor.libraries import build_facts, opencv_facts, runtimes

WHEEL = """
  GUI:                           NONE
  Video I/O:
    FFMPEG:                      YES
      avcodec:                   YES (62.28.101)
    GStreamer:                   NO
    v4l/v4l2:                    YES (linux/videodev2.h)
"""
JETPACK = (
    WHEEL.replace("NONE", "GTK2")
    .replace("GStreamer:    ", "GStreamer:   ")
    .replace("NO\n", "YES (1.20.3)\n")
)


def test_wheel_has_no_window_and_no_gstreamer():
    facts = build_facts(WHEEL)
    assert facts == {"gstreamer": False, "ffmpeg": True, "v4l2": True, "window": False}


def test_systems_opencv_has_both():
    assert all(build_facts(JETPACK).values())


def test_installed_runtimes_list_their_devices():
    found = runtimes()
    assert found
    assert all(any(d.startswith("CPU") for d in row["devices"]) for row in found.values())


def test_broken_runtime_is_told_and_an_absent_one_is_not(monkeypatch):
    def broken():
        raise ImportError("libtbb.so.12: cannot open shared object file\nmore")

    def absent():
        raise ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime")

    monkeypatch.setattr(libraries, "_openvino", broken)
    monkeypatch.setattr(libraries, "_onnxruntime", absent)
    assert runtimes() == {"openvino": {"problem": "libtbb.so.12: cannot open shared object file"}}


@pytest.mark.parametrize(
    ("error", "want"),
    [
        pytest.param(ModuleNotFoundError("no", name="cv2"), {}, id="absent"),
        pytest.param(ImportError("libGL.so.1"), {"problem": "libGL.so.1"}, id="broken"),
    ],
)
def test_opencv_that_is_absent_or_broken(monkeypatch, error, want):
    def fail(name):
        raise error

    monkeypatch.setattr(libraries, "import_module", fail)
    assert opencv_facts() == want
