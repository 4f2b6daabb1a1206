"""ONNX Runtime on the CPU: the reference semantics of every typed graph."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from edgecv.bundle import Layer, Tensor
from edgecv.engines.contract import (
    Array,
    Arrays,
    Built,
    check_arrays,
    require_file,
    take_model,
    zeros,
)
from edgecv.engines.versions import backend_version
from edgecv.errors import FileError, MachineError, MissingPackage, UnsupportedModel
from edgecv.recipe import Build

ENGINE_FILE = "model.onnx"
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}
# ONNX Runtime's names of element types in a profile -> ours
_PRECISIONS = {"float": "fp32", "float16": "fp16", "double": "fp64", "bfloat16": "bf16"}
_BROKEN = ("NoSuchFile", "InvalidProtobuf", "InvalidGraph", "NoModel", "InvalidArgument")


def build_engine(
    model: Path,
    folder: Path,
    options: Build,
    batch: tuple[int, int, int],
    *,
    source: Path | None = None,
) -> Built:
    """Take the typed ONNX file as the engine file, once a session accepts it.

    Raises:
        MissingPackage, FileError, UnsupportedModel: see `edgecv.engines.build_engine`.
    """
    target = folder / ENGINE_FILE
    take_model(model, target)
    engine = OnnxRuntimeEngine(target)
    layers = engine.layers()
    engine.close()
    return Built(ENGINE_FILE, backend_version("onnxruntime"), layers)


def load_engine(
    engine_file: Path,
    *,
    precision: str,
    rest: str = "fp32",
    threads: int = 0,
    streams: int = 1,
) -> OnnxRuntimeEngine:
    """Load a typed ONNX file; the graph's own types say what is computed in which precision."""
    return OnnxRuntimeEngine(engine_file, threads=threads)


class OnnxRuntimeEngine:
    """A session on the CPU provider. Any number of threads may execute at once."""

    backend = "onnxruntime"

    def __init__(self, file: Path, *, threads: int = 0) -> None:
        """Create the session.

        Args:
            file: Typed ONNX file.
            threads: Intra-op threads; 0: one a physical core.

        Raises:
            MissingPackage, FileError, UnsupportedModel: see `edgecv.engines.load_engine`.
        """
        self._file, self._threads = file, threads
        self._session = _session(file, threads)
        self.inputs = tuple(_tensor(value) for value in self._session.get_inputs())
        self.outputs = tuple(_tensor(value) for value in self._session.get_outputs())
        self._names = [tensor.name for tensor in self.outputs]

    def execute(self, arrays: Arrays) -> dict[str, Array]:
        """Run once; the outputs are fresh arrays. See `Engine.execute`."""
        check_arrays(self.inputs, arrays)
        if self._session is None:
            raise MachineError("the engine was closed")
        with _translated(self._file):
            values = self._session.run(self._names, dict(arrays))
        return dict(zip(self._names, values, strict=True))

    def layers(self) -> tuple[Layer, ...]:
        """Nodes of the optimised graph with the types they computed in, seen in one profiled run.

        The run is on zeros in a session of its own: the engine itself is never profiled.
        """
        with tempfile.TemporaryDirectory() as folder:
            session = _session(self._file, self._threads, profile=Path(folder) / "profile")
            with _translated(self._file):
                session.run(self._names, zeros(self.inputs))
            events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        return tuple(_layers(events))

    def close(self) -> None:
        """Free the session."""
        self._session = None


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as err:
        raise MissingPackage("onnxruntime", "cpu", needed_for="the onnxruntime backend") from err
    return onnxruntime


def _session(file: Path, threads: int, profile: Path | None = None) -> Any:
    require_file(file, "ONNX file")
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what fails is raised; the rest is noise on stderr
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    with _translated(file):
        return runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


@contextmanager
def _translated(file: Path) -> Iterator[None]:
    """The one boundary where ONNX Runtime's errors become ours."""
    try:
        yield
    except _foreign() as err:
        reason = " ".join(str(err).split())[-300:]  # the beginning is ORT's own source location
        if type(err).__name__ in _BROKEN:
            raise FileError("not a readable ONNX model", file=file, reason=reason) from err
        raise UnsupportedModel(
            "ONNX Runtime cannot run this graph", file=file, reason=reason
        ) from err


@cache
def _foreign() -> Any:
    """ONNX Runtime's error classes: they share no root but Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = [kind for kind in vars(state).values() if isinstance(kind, type)]
    return (*(kind for kind in kinds if issubclass(kind, Exception)), RuntimeError)


def _tensor(value: Any) -> Tensor:
    shape = tuple(side if isinstance(side, int) else -1 for side in value.shape)
    return Tensor(name=value.name, shape=shape, dtype=_DTYPES.get(value.type, value.type))


def _layers(events: list[dict[str, Any]]) -> Iterator[Layer]:
    for event in events:
        facts = event.get("args", {})
        if event.get("cat") != "Node" or "op_name" not in facts:
            continue
        if not event["name"].endswith("_kernel_time"):
            continue
        yield Layer(
            name=event["name"].removesuffix("_kernel_time"),
            type=facts["op_name"],
            precision=_precision(facts),
        )


def _precision(facts: dict[str, Any]) -> str:
    """Precision of a node: the type of its first input (a QLinearConv's is int8)."""
    shapes = facts.get("input_type_shape") or facts.get("output_type_shape") or [{}]
    kind = next(iter(shapes[0]), "unknown")
    return _PRECISIONS.get(kind, kind)
