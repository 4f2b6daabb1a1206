"""What the OpenCV on this machine can do: pip's wheels have neither GStreamer nor a window."""

from __future__ import annotations

import re

from edgecv.errors import MachineError

_SYSTEM_OPENCV = (
    "use the system's OpenCV: apt install python3-opencv, and a virtual environment made with "
    "python3 -m venv --system-site-packages (JetPack has it built with GStreamer)"
)


def build_flag(name: str, information: str) -> str:
    """The value of one line of `cv2.getBuildInformation()`, "" if it is not there.

    >>> build_flag("GStreamer", "    GStreamer:        YES (1.20.3)")
    'YES (1.20.3)'
    """
    found = re.search(rf"^ *{re.escape(name)}: *(.*?) *$", information, re.MULTILINE)
    return found.group(1) if found else ""


def require_gstreamer(needed_for: str) -> None:
    """Refuse what needs GStreamer where OpenCV was built without it.

    Raises:
        MachineError: it was.
    """
    import cv2

    if not build_flag("GStreamer", cv2.getBuildInformation()).startswith("YES"):
        raise MachineError(
            f"{needed_for} needs an OpenCV built with GStreamer",
            opencv=f"{cv2.__version__}, GStreamer: NO",
            fix=_SYSTEM_OPENCV,
        )


def require_window() -> None:
    """Refuse --show where OpenCV was built without a window system.

    Raises:
        MachineError: it was.
    """
    import cv2

    gui = build_flag("GUI", cv2.getBuildInformation())
    if gui in ("", "NONE"):
        raise MachineError(
            "--show needs an OpenCV that can open windows",
            opencv=f"{cv2.__version__}, GUI: {gui or 'unknown'}",
            fix=f"--save DIR instead, or {_SYSTEM_OPENCV}",
        )
