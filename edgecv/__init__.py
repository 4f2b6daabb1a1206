"""edgecv: from weights to a verified TensorRT, OpenVINO or ONNX Runtime deployment.

>>> import edgecv
>>> model = edgecv.load("runs/tiny-centernet/int8-openvino")   # doctest: +SKIP
>>> model("picture.jpg").to_dict()                             # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

from edgecv._version import __version__

if TYPE_CHECKING:
    from edgecv.runtime import load

__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    """Import the runtime when it is first asked for: `import edgecv` itself stays light."""
    if name == "load":
        from edgecv.runtime import load

        return load
    raise AttributeError(f"module 'edgecv' has no attribute {name!r}")
