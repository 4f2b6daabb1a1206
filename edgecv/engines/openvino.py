"""OpenVINO on the CPU: the fast CPU engine.

The precision hint is always set: left alone, OpenVINO computes in bf16 on CPUs that have it and
calls it what the caller asked for. Telemetry is off: OpenVINO would report every import.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from queue import LifoQueue
from typing import Any

import numpy as np

from edgecv.bundle import Layer, Tensor
from edgecv.engines.contract import Array, Arrays, Built, check_arrays, require_file, take_model
from edgecv.engines.versions import backend_version
from edgecv.errors import FileError, MachineError, MissingPackage, UnsupportedModel
from edgecv.recipe import Build

ENGINE_FILE = "model.onnx"
_PRECISIONS = {
    "f32": "fp32",
    "f16": "fp16",
    "bf16": "bf16",
    "i8": "int8",
    "u8": "int8",
    "i4": "int4",
    "f64": "fp64",
}
_HIDDEN = ("Input", "Output", "Const")  # they hold data; nothing is computed there


def build_engine(
    model: Path,
    folder: Path,
    options: Build,
    batch: tuple[int, int, int],
    *,
    source: Path | None = None,
) -> Built:
    """Take the typed ONNX file as the engine file, once OpenVINO compiles it.

    The file is compiled again at load: OpenVINO's own format would tie it to this version and CPU.

    Raises:
        MissingPackage, FileError, UnsupportedModel: see `edgecv.engines.build_engine`.
    """
    target = folder / ENGINE_FILE
    take_model(model, target)
    precision = options.precision or "fp32"
    engine = OpenVinoEngine(target, hint=_hint(precision, options.rest))
    layers = engine.layers()
    engine.close()
    log = (_note(precision, options.rest),)
    return Built(
        ENGINE_FILE, backend_version("openvino"), layers, log=tuple(line for line in log if line)
    )


def load_engine(
    engine_file: Path,
    *,
    precision: str,
    rest: str = "fp32",
    threads: int = 0,
    streams: int = 1,
) -> OpenVinoEngine:
    """Compile a typed ONNX file for this CPU, computing in `precision`."""
    return OpenVinoEngine(
        engine_file, hint=_hint(precision, rest), threads=threads, streams=streams
    )


class OpenVinoEngine:
    """A compiled model with one infer request a stream. Threads may execute at once."""

    backend = "openvino"

    def __init__(self, file: Path, *, hint: str, threads: int = 0, streams: int = 1) -> None:
        """Read and compile the model.

        Args:
            file: Typed ONNX file.
            hint: What float layers compute in: "f32" or "f16".
            threads: CPU threads of all streams together; 0: OpenVINO's choice.
            streams: How many calls run at once.

        Raises:
            MissingPackage, FileError, UnsupportedModel: see `edgecv.engines.load_engine`.
        """
        self._file, self._library = file, _library()
        model = _read(file)
        with _translated(file):
            self._compiled = _core().compile_model(
                model, "CPU", _properties(hint, threads, streams)
            )
        # names from before compiling: fused away tensors leave theirs on the compiled ports
        self.inputs = _tensors(self._compiled.inputs, model.inputs)
        self.outputs = _tensors(self._compiled.outputs, model.outputs)
        self._requests: LifoQueue[Any] = LifoQueue()
        for _ in range(streams):
            self._requests.put(self._compiled.create_infer_request())

    def execute(self, arrays: Arrays) -> dict[str, Array]:
        """Run once; inputs are read in place, outputs are copies. See `Engine.execute`."""
        check_arrays(self.inputs, arrays)
        if self._compiled is None:
            raise MachineError("the engine was closed")
        request = self._requests.get()
        try:
            for index, tensor in enumerate(self.inputs):
                array = np.require(arrays[tensor.name], requirements=("C", "W"))
                request.set_input_tensor(index, self._library.Tensor(array, shared_memory=True))
            with _translated(self._file):
                request.infer(share_outputs=True)
            return {
                tensor.name: request.get_output_tensor(index).data.copy()
                for index, tensor in enumerate(self.outputs)
            }
        finally:
            self._requests.put(request)

    def layers(self) -> tuple[Layer, ...]:
        """The executed graph, with the precision each layer really runs in."""
        found = []
        for op in self._compiled.get_runtime_model().get_ordered_ops():
            info = op.get_rt_info()
            kind = str(info["layerType"].value)
            if kind in _HIDDEN:
                continue
            precision = str(info["runtimePrecision"].value)
            names = str(info["originalLayersNames"].value) or op.get_friendly_name()
            found.append(
                Layer(name=names, type=kind, precision=_PRECISIONS.get(precision, precision))
            )
        return tuple(found)

    def close(self) -> None:
        """Free the compiled model."""
        self._compiled = None
        self._requests = LifoQueue()


def capabilities() -> tuple[str, ...]:
    """What this CPU computes in natively, as OpenVINO reports it (FP32, FP16, BF16, INT8)."""
    return tuple(_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))


def _hint(precision: str, rest: str) -> str:
    """The precision hint: f16 only where asked for and where the CPU computes in it."""
    wanted = rest if precision in ("int8", "mixed") else precision
    return "f16" if wanted == "fp16" and "FP16" in capabilities() else "f32"


def _note(precision: str, rest: str) -> str:
    wanted = rest if precision in ("int8", "mixed") else precision
    if wanted == "tf32":
        return "tf32 is a format of NVIDIA GPUs: this CPU computes in fp32"
    if wanted == "fp16" and _hint(precision, rest) == "f32":
        return "this CPU has no fp16 arithmetic: weights are fp16, layers compute in fp32"
    return ""


_import_lock = threading.Lock()
_cores: list[Any] = []


def _library() -> Any:
    """OpenVINO, imported so that its telemetry package is not: nothing is sent anywhere."""
    if "openvino" in sys.modules and hasattr(sys.modules["openvino"], "Core"):
        return sys.modules["openvino"]
    name = "openvino_telemetry"
    with _import_lock:
        hide = name not in sys.modules
        if hide:
            sys.modules[name] = None  # type: ignore[assignment]
        try:
            import openvino
        except ImportError as err:
            raise MissingPackage("openvino", "cpu", needed_for="the openvino backend") from err
        finally:
            if hide:
                del sys.modules[name]
    return openvino


def _core() -> Any:
    if not _cores:
        _cores.append(_library().Core())
    return _cores[0]


def _read(file: Path) -> Any:
    """Read an ONNX file by the ONNX front end alone: the others would try, and print, too."""
    require_file(file, "ONNX file")
    manager = _library().frontend.FrontEndManager()
    with _translated(file, broken=True):
        frontend = manager.load_by_framework("onnx")
        return frontend.convert(frontend.load(str(file)))


@contextmanager
def _translated(file: Path, broken: bool = False) -> Iterator[None]:
    """The one boundary where OpenVINO's errors become ours."""
    try:
        yield
    except _foreign() as err:
        lines = [line.strip() for line in str(err).splitlines() if line.strip()]
        told = [x for x in lines if not x.startswith(("Exception from", "Check '", "FrontEnd API"))]
        reason = " ".join(told)[:300] or str(err)[:300]
        if broken and not isinstance(err, _unsupported()):
            raise FileError("not a readable ONNX model", file=file, reason=reason) from err
        raise UnsupportedModel("OpenVINO cannot run this graph", file=file, reason=reason) from err


@cache
def _unsupported() -> Any:
    """What OpenVINO raises for a graph it can read but not convert."""
    library: Any = _library().frontend
    return (library.OpConversionFailure, library.OpValidationFailure)


@cache
def _foreign() -> Any:
    library: Any = _library().frontend
    kinds = (library.GeneralFailure, library.InitializationFailure, RuntimeError, ValueError)
    return (*_unsupported(), *kinds)


def _properties(hint: str, threads: int, streams: int) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": hint,
        "PERFORMANCE_HINT": "LATENCY" if streams == 1 else "THROUGHPUT",
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": threads,
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,  # or fp16 graphs may run int8 matrix products
    }
    known = _core().get_property("CPU", "SUPPORTED_PROPERTIES")
    return {name: value for name, value in properties.items() if name in known}


def _tensors(compiled: list[Any], named: list[Any]) -> tuple[Tensor, ...]:
    pairs = zip(compiled, named, strict=True)
    return tuple(_tensor(port, original.get_any_name()) for port, original in pairs)


def _tensor(port: Any, name: str) -> Tensor:
    shape = tuple(-1 if side.is_dynamic else side.get_length() for side in port.get_partial_shape())
    return Tensor(name=name, shape=shape, dtype=port.get_element_type().to_dtype().name)
