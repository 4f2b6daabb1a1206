"""TensorRT's Python API from 8.5 to 11, tensorrt_lean and TensorRT-RTX, asked by name.

What a version has is found by `hasattr`, never from its number; no enum's integer is written down
(they moved between 8.6, 10 and 11), and no TensorRT class is subclassed before it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from edgecv.errors import MachineError, MissingPackage, UnknownName

# TensorRT's DataType names -> numpy's; its own `nptype` breaks on some numpy versions
DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "INT8": "int8",
    "UINT8": "uint8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
}
_SEVERITIES = ("INTERNAL_ERROR", "ERROR", "WARNING", "INFO", "VERBOSE")


def import_tensorrt(flavour: str, *, to_build: bool) -> Any:
    """The module behind a flavour.

    Args:
        flavour: `tensorrt` or `tensorrt-rtx`.
        to_build: Whether a builder is needed; the lean runtime has none.

    Raises:
        MissingPackage, MachineError: it is not installed.
    """
    names = ["tensorrt_rtx"] if flavour == "tensorrt-rtx" else ["tensorrt"]
    if flavour == "tensorrt" and not to_build:
        names.append("tensorrt_lean")
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    if flavour == "tensorrt-rtx":
        raise MissingPackage(names[0], "rtx", needed_for=f"the {flavour} backend")
    raise MachineError(
        "TensorRT is not installed in this Python",
        fix="JetPack brings it (python3 -m venv --system-site-packages); elsewhere: "
        "pip install tensorrt",
    )


def member(enum: Any, name: str) -> Any | None:
    """A member of a TensorRT enum, or None where this version has no such name."""
    return getattr(enum, name, None)


def need(owner: Any, name: str, what: str, version: str) -> Any:
    """An attribute this version must have for what was asked.

    Args:
        owner: TensorRT's module, an enum or an object.
        name: The attribute.
        what: What it is for, in words.
        version: TensorRT's, for the error.

    Raises:
        MachineError: it has not.
    """
    found = getattr(owner, name, None)
    if found is None:
        raise MachineError(f"this TensorRT has no {what}", version=version, lacks=name)
    return found


def tag(value: Any) -> str:
    """`DataType.HALF`, `<DataType.HALF: 1>` or `HALF` -> HALF."""
    name = getattr(value, "name", None)
    return name if isinstance(name, str) else str(value).rsplit(".", 1)[-1]


def make_logger(trt: Any, sink: Callable[[str, str], None]) -> Any:
    """A TensorRT logger that hands (severity, message) to `sink`.

    The class is made here because its base exists only once TensorRT is imported.
    """

    class Logger(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            sink(tag(severity), message)

    return Logger()


def make_progress(trt: Any, report: Callable[[str, int, int], None]) -> Any | None:
    """A progress monitor that hands (phase, step, steps) to `report`; None before TensorRT 9."""
    if not hasattr(trt, "IProgressMonitor"):
        return None

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            self._steps[phase] = steps
            report(phase, 0, steps)

        def step_complete(self, phase: str, step: int) -> bool:
            report(phase, step, self._steps.get(phase, 0))
            return True  # go on

        def phase_finish(self, phase: str) -> None:
            report(phase, self._steps.get(phase, 0), self._steps.pop(phase, 0))

    return Monitor()


def is_error(severity: str) -> bool:
    """Whether a log line says that something failed."""
    return severity in _SEVERITIES[:2]


def capability(trt: Any, target: str) -> Any:
    """`sm86` -> ComputeCapability.SM86.

    Raises:
        UnknownName: this TensorRT-RTX cannot build for it.
    """
    known = {
        name.lower(): name
        for name in dir(trt.ComputeCapability)
        if name.startswith("SM") and name[2:].isdigit()
    }
    if target.lower() not in known:
        raise UnknownName(
            "TensorRT-RTX target", target, known, fix="--target sm86,sm89,sm120 (Orin has none)"
        )
    return getattr(trt.ComputeCapability, known[target.lower()])
