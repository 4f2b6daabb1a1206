"""A TensorRT or TensorRT-RTX plan, loaded: contexts for the device path, `execute` for host arrays.

Not run on a GPU: tested against a fake driver and TensorRT that have only the names of a version.
"""

from __future__ import annotations

import mmap
import os
from contextlib import suppress
from pathlib import Path
from queue import LifoQueue
from typing import Any

import numpy as np

from edgecv.bundle import KERNELS, Layer, Tensor
from edgecv.cuda.driver import device_count
from edgecv.cuda.graph import CAPTURE_LOCK
from edgecv.cuda.memory import DeviceArray
from edgecv.cuda.session import Session
from edgecv.engines.contract import Array, Arrays, check_arrays, require_file
from edgecv.engines.trt_api import DTYPES, import_tensorrt, tag
from edgecv.engines.trt_cache import RuntimeCache
from edgecv.engines.trt_context import EngineContext, Scratch, new_context, take_profile
from edgecv.engines.trt_layers import layers_from_inspector
from edgecv.engines.trt_log import error_log
from edgecv.errors import FileError, MachineError, UnsupportedModel

TRUST = "EDGECV_TRUST_ENGINES"  # set to 1: version-compatible plans may run their embedded code


def load_plan(
    flavour: str,
    engine_file: Path,
    *,
    precision: str,
    rest: str = "fp32",
    threads: int = 0,
    streams: int = 1,
) -> TensorRtEngine:
    """Load a plan onto the GPU; see `engines.load_engine`. A plan fixes precision and threads."""
    return TensorRtEngine(engine_file, flavour, streams=streams)


class TensorRtEngine:
    """A plan on the first CUDA device. Threads may execute at once, `streams` of them.

    Attributes:
        session: The CUDA context it lives in; close the engine before anything that uses it.
        streams: How many calls of `execute` run at once.
    """

    def __init__(self, file: Path, flavour: str, *, streams: int = 1) -> None:
        """Deserialise the plan.

        Args:
            file: The plan.
            flavour: `tensorrt` or `tensorrt-rtx`.
            streams: How many calls run at once.

        Raises:
            FileError: the file is missing, empty, or not a plan of this TensorRT.
            MachineError: no CUDA device, no driver.
            MissingPackage: TensorRT or pycuda is not installed.
            UnsupportedModel: a tensor's type has no numpy twin.
        """
        self.backend, self.streams = flavour, streams
        require_file(file, "engine file")
        if device_count() == 0:
            raise MachineError(
                f"executing a {flavour} engine needs an NVIDIA GPU, and this machine has none",
                engine=file,
                fix="run the bundle on a machine with the GPU it was built for, or build one for "
                f"this CPU: edgecv build {file.parent} --backend openvino",
            )
        self._file, self._closed = file, False
        self._trt = import_tensorrt(flavour, to_build=False)
        self._log = error_log(self._trt)
        self._mark = self._log.mark()
        kernels = file.parent / KERNELS  # beside the plan in a bundle
        self.session = Session(cubins=kernels if kernels.is_dir() else None)
        try:
            with self.session.current():
                self._engine = self._deserialise()
                self.inputs, self.outputs = self._tensors()
                version, capability = str(self._trt.__version__), self.session.capability
                self._kernels = RuntimeCache(self._engine, file, version, capability)
        except BaseException:
            self.session.close()
            raise
        self._calls: LifoQueue[_HostCall | None] = LifoQueue()
        for _ in range(streams):
            self._calls.put(None)  # made by the first call: the device path may need none

    def context(self, *, batch: int = 0, scratch: Scratch | None = None) -> EngineContext:
        """A new execution context; call inside `session.current()`.

        Args:
            batch: Batch size of a dynamic engine; 0: its largest.
            scratch: Memory shared with the other contexts of a chain; None: the context's own.

        Raises:
            MachineError: no memory for it, or the engine was closed.
            UnsupportedModel: an output's shape depends on the data, or a batch out of range.
        """
        if self._closed:
            raise MachineError("the engine was closed")
        with CAPTURE_LOCK:  # it may wait for the device
            made, need = new_context(
                self._trt, self._engine, self._kernels.config, own_memory=scratch is None
            )
        if made is None:
            raise MachineError("TensorRT cannot create a context", log=self._said())
        shapes = {t.name: self._shape(t, batch) for t in self.inputs if -1 in t.shape}
        if shapes:
            take_profile(made, self.session, self._said)
        context = EngineContext(made, (self.inputs, self.outputs), shapes, self._said)
        if scratch is not None and need:
            context.share(scratch, need)
        return context

    def execute(self, arrays: Arrays) -> dict[str, Array]:
        """Upload, run, download, synchronise once. See `Engine.execute`."""
        check_arrays(self.inputs, arrays)
        if self._closed:
            raise MachineError("the engine was closed")
        call = self._calls.get()
        try:
            with self.session.current():
                call = call or _HostCall(self)
                return call.run(arrays)
        finally:
            self._calls.put(call)

    def layers(self) -> tuple[Layer, ...]:
        """Layers as the engine inspector lists them; empty where there is none."""
        if not hasattr(self._engine, "create_engine_inspector"):
            return ()
        form = self._trt.LayerInformationFormat.JSON
        return layers_from_inspector(
            self._engine.create_engine_inspector().get_engine_information(form)
        )

    def close(self) -> None:
        """Free buffers, contexts, engine and the CUDA context, in that order.

        Contexts handed out by `context` must be closed before.
        """
        if self._closed:
            return
        self._closed = True
        with suppress(MachineError), self.session.current():  # a device that failed stays as it is
            while not self._calls.empty():
                call = self._calls.get()
                if call is not None:
                    call.close()
            self._kernels.save()
        self._kernels = self._engine = self._runtime = None  # type: ignore[assignment]
        with suppress(MachineError):  # what failed was said when it failed; all is given back
            self.session.close()

    def _deserialise(self) -> Any:
        runtime = self._trt.Runtime(self._log.logger)
        if os.environ.get(TRUST) == "1" and hasattr(runtime, "engine_host_code_allowed"):
            runtime.engine_host_code_allowed = True
        self._runtime = runtime  # an engine must not outlive its runtime
        with self._file.open("rb") as file:
            # mapped, not read: on a Jetson a plan would else lie in the same memory twice
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as plan, CAPTURE_LOCK:
                engine = runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise FileError(
                "not an engine this TensorRT can load",
                file=self._file,
                version=self._trt.__version__,
                log=self._said(),
                fix=f"edgecv build BUNDLE (a version-compatible plan also needs {TRUST}=1: it runs "
                "code from the file)",
            )
        return engine

    def _tensors(self) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        sides: tuple[list[Tensor], list[Tensor]] = ([], [])
        for index in range(self._engine.num_io_tensors):
            name = self._engine.get_tensor_name(index)
            kind = tag(self._engine.get_tensor_dtype(name))
            if kind not in DTYPES:
                raise UnsupportedModel("an engine tensor has no numpy type", tensor=name, type=kind)
            shape = tuple(int(side) for side in self._engine.get_tensor_shape(name))
            mode = tag(self._engine.get_tensor_mode(name))
            sides[mode == "OUTPUT"].append(Tensor(name=name, shape=shape, dtype=DTYPES[kind]))
        return tuple(sides[0]), tuple(sides[1])

    def _shape(self, tensor: Tensor, batch: int) -> tuple[int, ...]:
        """The shape of a dynamic input at a batch size, within profile 0."""
        low, _, high = self._engine.get_tensor_profile_shape(tensor.name, 0)
        wanted = (batch or int(high[0]), *(int(side) for side in tuple(high)[1:]))
        if not int(low[0]) <= wanted[0] <= int(high[0]):
            raise UnsupportedModel(
                "the batch is not one the engine was built for",
                got=batch,
                built_for=f"{low[0]} to {high[0]}",
            )
        return wanted

    def _said(self) -> str:
        return self._log.since(self._mark)


class _HostCall:
    """What one `execute` in flight needs: a context, and every tensor on both sides."""

    def __init__(self, engine: TensorRtEngine) -> None:
        """Allocate everything, at the largest batch."""
        session = engine.session
        self._engine, self._stream = engine, session.stream()
        self._context = engine.context()
        tensors = (*self._context.inputs, *self._context.outputs)
        self._device: dict[str, DeviceArray] = {}
        self._host: dict[str, Array] = {}
        for tensor in tensors:
            self._device[tensor.name] = session.empty(tensor.shape, tensor.dtype)
            self._host[tensor.name] = session.pinned(tensor.shape, tensor.dtype)
        self._context.bind(self._device)

    def run(self, arrays: Arrays) -> dict[str, Array]:
        changed: dict[str, tuple[int, ...]] = {}
        for tensor in self._context.inputs:
            array = arrays[tensor.name]
            if array.nbytes > self._host[tensor.name].nbytes:
                raise UnsupportedModel(
                    "the batch is larger than the engine was built for", got=array.shape
                )
            if array.shape != tensor.shape:
                changed[tensor.name] = array.shape
        if changed:
            self._context.reshape(changed)
        for tensor in self._context.inputs:
            host = self._host_view(tensor)
            np.copyto(host, arrays[tensor.name])
            self._device_view(tensor).upload(host, self._stream)
        self._context.enqueue(self._stream)
        views = {tensor.name: self._host_view(tensor) for tensor in self._context.outputs}
        for tensor in self._context.outputs:
            self._device_view(tensor).download(views[tensor.name], self._stream)
        self._stream.synchronize()
        return {name: view.copy() for name, view in views.items()}

    def close(self) -> None:
        self._context.close()
        for array in self._device.values():
            array.free()
        self._host.clear()

    def _host_view(self, tensor: Tensor) -> Array:
        size = int(np.prod(tensor.shape, dtype=np.int64))
        return self._host[tensor.name].reshape(-1)[:size].reshape(tensor.shape)

    def _device_view(self, tensor: Tensor) -> DeviceArray:
        return self._device[tensor.name].view(tensor.shape, tensor.dtype)
