"""Engines: build one from a typed ONNX file, load, execute and inspect it, whatever the backend.

No backend's library is imported until it is asked for. Device room: neither torch nor onnx.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edgecv.bundle import Bundle, Manifest
from edgecv.engines.contract import (
    MOVES,
    Array,
    Arrays,
    Built,
    Engine,
    count_precisions,
    zeros,
)
from edgecv.errors import EngineMismatch, UnknownName
from edgecv.recipe import Build

__all__ = [
    "BACKENDS",
    "MOVES",
    "Array",
    "Arrays",
    "Built",
    "Engine",
    "available",
    "build_engine",
    "choose_backend",
    "count_precisions",
    "load_engine",
    "misfit",
    "open_engine",
    "zeros",
]

BACKENDS = ("tensorrt", "tensorrt-rtx", "openvino", "onnxruntime")
_MODULES = {
    "tensorrt": "edgecv.engines.tensorrt",
    "tensorrt-rtx": "edgecv.engines.rtx",
    "openvino": "edgecv.engines.openvino",
    "onnxruntime": "edgecv.engines.onnxruntime",
}
_PACKAGES = {
    "tensorrt": ("tensorrt", "tensorrt_lean"),
    "tensorrt-rtx": ("tensorrt_rtx",),
    "openvino": ("openvino",),
    "onnxruntime": ("onnxruntime",),
}


def available() -> tuple[str, ...]:
    """Backends whose package is installed here (no package is imported to find out)."""
    return tuple(name for name in BACKENDS if any(map(_installed, _PACKAGES[name])))


def build_engine(
    backend: str,
    model: Path,
    folder: Path,
    options: Build,
    batch: tuple[int, int, int] = (1, 1, 1),
    *,
    source: Path | None = None,
) -> Built:
    """Build an engine from a typed ONNX file.

    Args:
        backend: One of BACKENDS.
        model: The typed ONNX file. CPU backends execute it as it is.
        folder: Where the engine file goes (inside a `files.whole_folder`).
        options: The recipe's build section.
        batch: (min, opt, max) batch sizes of a dynamic model.
        source: The portable fp32 form (opset 17), for TensorRT 8.5/8.6.

    Raises:
        UnknownName: no such backend.
        MissingPackage: its package is not installed.
        UnsupportedModel: the backend cannot parse or build the graph.
        FileError: the ONNX file is missing, empty or broken.
    """
    built: Built = _module(backend).build_engine(model, folder, options, batch, source=source)
    return built


def load_engine(
    backend: str,
    engine_file: Path,
    *,
    precision: str,
    rest: str = "fp32",
    threads: int = 0,
    streams: int = 1,
) -> Engine:
    """Load an engine file.

    Args:
        backend: One of BACKENDS.
        engine_file: What `build_engine` wrote.
        precision: The precision it was built for; CPU backends compute in it or say otherwise.
        rest: For int8 and mixed: precision of what is not int8.
        threads: CPU threads; 0: as many as the backend sees fit.
        streams: How many calls of `execute` run at once.

    Raises:
        UnknownName: no such backend.
        MissingPackage: its package is not installed.
        FileError: the file is missing, empty or broken.
        MachineError: this machine lacks the device the engine needs.
    """
    engine: Engine = _module(backend).load_engine(
        engine_file, precision=precision, rest=rest, threads=threads, streams=streams
    )
    return engine


def open_engine(bundle: Bundle, *, threads: int = 0, streams: int = 1) -> Engine:
    """Load a bundle's engine; its version and device are checked before it is deserialised.

    Args:
        bundle: The bundle, opened.
        threads: CPU threads; 0: as many as the backend sees fit.
        streams: How many calls of `execute` run at once.

    Raises:
        EngineMismatch: another version, or another device, is here than the engine needs.
        MissingPackage, MachineError, FileError: as `load_engine`.
    """
    manifest = bundle.manifest
    problem = misfit(manifest)
    if problem:
        raise EngineMismatch(
            f"the engine of {bundle.folder.name} does not fit this machine",
            **problem,
            fix=f"edgecv build {bundle.folder}",
        )
    return load_engine(
        manifest.backend,
        bundle.engine,
        precision=manifest.precision.asked,
        rest=manifest.precision.rest,
        threads=threads,
        streams=streams,
    )


def misfit(manifest: Manifest) -> dict[str, object]:
    """What differs between a bundle's engine and this machine, both sides named; nothing is loaded.

    Returns:
        Facts for an error: versions, compute capabilities. Empty if the engine fits, or if nothing
        here can tell (no package, no device: loading says that better).
    """
    check: Any = getattr(_module(manifest.backend), "require_match", None)
    facts: dict[str, object] = check(manifest) if check is not None else {}
    return facts


def choose_backend(model: Path, precision: str, *, rest: str = "fp32") -> str:
    """The fastest backend here for a typed ONNX file; see `edgecv.engines.choose`."""
    from edgecv.engines.choose import choose_backend as choose

    return choose(model, precision, rest=rest)


def _installed(package: str) -> bool:
    spec = find_spec(package)
    return spec is not None and spec.origin is not None  # a folder of that name is no package


def _module(backend: str) -> Any:
    if backend not in _MODULES:
        raise UnknownName("backend", backend, BACKENDS)
    return import_module(_MODULES[backend])
