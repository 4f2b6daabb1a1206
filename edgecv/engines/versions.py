"""Versions of the backends' packages, read from their metadata: nothing is imported."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

_DISTRIBUTIONS = {
    "tensorrt": ("tensorrt", "tensorrt-lean"),
    "tensorrt-rtx": ("tensorrt-rtx",),
    "openvino": ("openvino",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
}


def backend_version(backend: str) -> str:
    """Version of the package behind a backend; "unknown" where its metadata is not there."""
    for name in _DISTRIBUTIONS.get(backend, ()):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"
