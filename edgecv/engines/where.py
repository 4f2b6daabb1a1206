"""Where a bundle's engine can run, in one line."""

from __future__ import annotations

from edgecv.bundle import Manifest


def where_it_runs(manifest: Manifest) -> str:
    """What a machine needs to run a bundle's engine."""
    version = manifest.backend_version
    if manifest.backend in ("openvino", "onnxruntime"):
        return f"any CPU with the package {manifest.backend} (built with {version})"
    if manifest.backend == "tensorrt-rtx":
        targets = ", ".join(manifest.targets) or "this machine's GPU"
        return (
            f"RTX GPUs of {targets} with TensorRT-RTX {version}; on no Jetson "
            "(copy the bundle there and run `edgecv build BUNDLE --backend tensorrt`)"
        )
    targets = ", ".join(manifest.targets) or "the GPU it was built on"
    return f"{targets} with TensorRT {version}"
