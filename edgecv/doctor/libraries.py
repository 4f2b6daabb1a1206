"""What the installed libraries can do here: OpenVINO and ONNX Runtime devices, OpenCV's build."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any


def runtimes() -> dict[str, dict[str, Any]]:
    """Per CPU runtime: `version` and `devices`, or `problem` if it is broken; absent: no row."""
    found: dict[str, dict[str, Any]] = {}
    for name, ask in (("openvino", _openvino), ("onnxruntime", _onnxruntime)):
        try:
            found[name] = ask()
        except ModuleNotFoundError as err:
            if err.name != name:
                found[name] = {"problem": str(err)}
        except (ImportError, OSError, RuntimeError) as err:
            found[name] = {"problem": str(err).splitlines()[0]}
    return found


def opencv_facts() -> dict[str, Any]:
    """`version`, `gstreamer`, `ffmpeg`, `v4l2`, `window`; empty without OpenCV."""
    try:
        cv2 = import_module("cv2")
    except ImportError as err:
        missing = isinstance(err, ModuleNotFoundError) and err.name == "cv2"
        return {} if missing else {"problem": str(err)}
    return {"version": cv2.__version__, **build_facts(cv2.getBuildInformation())}


def build_facts(text: str) -> dict[str, bool]:
    """What `cv2.getBuildInformation()` says of video and windows."""

    def has(name: str) -> bool:
        found = re.search(rf"^\s*{name}:\s*(\S+)", text, re.M | re.I)
        return found is not None and found.group(1).upper() not in ("NO", "NONE")

    return {
        "gstreamer": has("GStreamer"),
        "ffmpeg": has("FFMPEG"),
        "v4l2": has("v4l/v4l2"),
        "window": has("GUI"),
    }


def _openvino() -> dict[str, Any]:
    openvino = import_module("openvino")
    return {
        "version": openvino.__version__.split("-")[0],
        "devices": list(openvino.Core().available_devices),
    }


def _onnxruntime() -> dict[str, Any]:
    onnxruntime = import_module("onnxruntime")
    remote = ("AzureExecutionProvider",)  # a web service, no device of this machine
    names = [name for name in onnxruntime.get_available_providers() if name not in remote]
    devices = [name.removesuffix("ExecutionProvider") for name in names]
    return {"version": onnxruntime.__version__, "devices": devices}
