"""Which packages of which extra are here; read from metadata, nothing is imported."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import NamedTuple


class Package(NamedTuple):
    """A package some part of edgecv needs.

    Attributes:
        name: As in `pip install`.
        module: As in `import`; several packages may carry it (opencv-python, JetPack's cv2).
        extra: The edgecv extra that brings it; empty: always needed.
        needed_for: What does not work without it.
    """

    name: str
    module: str
    extra: str
    needed_for: str


PACKAGES = (
    Package("numpy", "numpy", "", "everything"),
    Package("pydantic", "pydantic", "", "everything"),
    Package("typer", "typer", "", "the command line"),
    Package("ruamel.yaml", "ruamel.yaml", "", "recipes"),
    Package("rich", "rich", "", "progress bars"),
    Package("opencv-python-headless", "cv2", "cpu", "images, video, fast resizing"),
    Package("numba", "numba", "cpu", "fast preprocessing"),
    Package("onnxruntime", "onnxruntime", "cpu", "the onnxruntime backend, golden samples"),
    Package("openvino", "openvino", "cpu", "the openvino backend"),
    Package("onnx", "onnx", "export", "foreign ONNX files, precision, check"),
    Package("torch", "torch", "train", "train, export"),
    Package("safetensors", "safetensors", "train", "weights"),
    Package("lightning-fabric", "lightning_fabric", "train", "train"),
    Package("scikit-learn", "sklearn", "train", "the built-in data"),
    Package("scikit-image", "skimage", "train", "the built-in data"),
    Package("onnxscript", "onnxscript", "export", "export"),
    Package("onnxslim", "onnxslim", "export", "simplifying graphs"),
    Package("onnxsim", "onnxsim", "export", "simplifying graphs"),
    Package("supervision", "supervision", "draw", "drawing detections"),
    Package("pycocotools", "pycocotools", "metrics", "COCO metrics"),
    Package("matplotlib", "matplotlib", "report", "the Pareto picture"),
    Package("Jinja2", "jinja2", "report", "report.html"),
    Package("tensorrt-rtx", "tensorrt_rtx", "rtx", "the tensorrt-rtx backend, check"),
    Package("pycuda", "pycuda", "cuda", "running on an NVIDIA GPU"),
)


def installed_packages() -> list[dict[str, str]]:
    """Every package: `name`, `version` (empty: missing), `extra`, `needed_for`, `fix`."""
    return [
        {
            "name": package.name,
            "version": found,
            "extra": package.extra,
            "needed_for": package.needed_for,
            "fix": "" if found else _fix(package),
        }
        for package in PACKAGES
        for found in [_version(package)]
    ]


def _version(package: Package) -> str:
    try:
        return version(package.name)
    except PackageNotFoundError:
        return "present" if _importable(package.module) else ""


def _importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _fix(package: Package) -> str:
    what = f"'edgecv[{package.extra}]'" if package.extra else package.name
    return f"pip install {what}"
