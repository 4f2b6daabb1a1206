"""What this machine's OpenCV can do, read from its own words."""

import cv2
import pytest

from edgecv.errors import MachineError
from edgecv.run.capabilities import build_flag, require_gstreamer, require_window


def test_build_flag():
    text = "General\n  GUI:                           QT5\n    GStreamer:   NO\n"
    assert build_flag("GUI", text) == "QT5"
    assert build_flag("GStreamer", text) == "NO"
    assert build_flag("Vulkan", text) == ""


def test_a_flag_is_a_line_of_its_own():
    assert build_flag("GUI", "  GUI:   \n") == ""
    assert build_flag("GUI", "  My GUI:  QT5\n") == ""
    assert build_flag("v4l/v4l2", "    v4l/v4l2:  YES (linux/videodev2.h)\n").startswith("YES")


def says(monkeypatch, text):
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: text)


def test_what_is_there_is_not_refused(monkeypatch):
    says(monkeypatch, "  GUI:   GTK3\n  GStreamer:  YES (1.20.3)\n")
    require_window()
    require_gstreamer("csi://0")


@pytest.mark.parametrize("line", ["  GStreamer:  NO\n", ""], ids=["no", "unknown"])
def test_without_gstreamer_the_systems_opencv_is_the_fix(monkeypatch, line):
    says(monkeypatch, line)
    with pytest.raises(MachineError, match=r"(?s)csi://0 needs.*GStreamer: NO.*python3-opencv"):
        require_gstreamer("csi://0")


@pytest.mark.parametrize(
    ("line", "told"), [("  GUI:  NONE\n", "NONE"), ("", "unknown")], ids=["none", "unknown"]
)
def test_without_a_window_pictures_can_be_saved(monkeypatch, line, told):
    says(monkeypatch, line)
    with pytest.raises(MachineError, match=rf"(?s)GUI: {told}.*fix: --save DIR"):
        require_window()
