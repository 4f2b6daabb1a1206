"""Executes a TensorRT or TensorRT-RTX plan: IO by tensor name, `execute_async_v3`, one sync a call.

Not run on a GPU: tested against a fake driver and TensorRT that have only the names of a version.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from queue import LifoQueue
from typing import Any

import numpy as np

from edgecv.bundle import Layer, Tensor
from edgecv.cuda.driver import device_count
from edgecv.cuda.session import Buffer, Session
from edgecv.engines.contract import Array, Arrays, check_arrays, require_file
from edgecv.engines.trt_api import DTYPES, import_tensorrt, is_error, make_logger, tag
from edgecv.engines.trt_layers import layers_from_inspector
from edgecv.errors import FileError, MachineError, UnsupportedModel

TRUST = "EDGECV_TRUST_ENGINES"  # set to 1: version-compatible plans may run their embedded code


@dataclass
class _Slot:
    """What one call in flight needs: a context is never in flight twice."""

    context: Any
    stream: Any
    buffers: dict[str, Buffer] = field(default_factory=dict)


class TensorRtEngine:
    """A plan on the first CUDA device, with `streams` contexts. Threads may execute at once."""

    def __init__(self, file: Path, flavour: str, *, streams: int = 1) -> None:
        """Deserialise the plan and allocate everything a call needs.

        Args:
            file: The plan.
            flavour: `tensorrt` or `tensorrt-rtx`.
            streams: How many calls run at once.

        Raises:
            FileError: the file is missing, empty, or not a plan of this TensorRT.
            MachineError: no CUDA device, no driver.
            MissingPackage: TensorRT or pycuda is not installed.
            UnsupportedModel: an output's shape depends on the data, or its type has no numpy twin.
        """
        self.backend = flavour
        require_file(file, "engine file")
        if device_count() == 0:
            raise MachineError(
                f"executing a {flavour} engine needs an NVIDIA GPU, and this machine has none",
                engine=file,
                fix="run the bundle on a machine with the GPU it was built for, or build one for "
                "this CPU: edgecv build BUNDLE --backend openvino",
            )
        self._file, self._closed = file, False
        self._trt = import_tensorrt(flavour, to_build=False)
        self._errors: list[str] = []
        self._logger = make_logger(self._trt, self._log)
        self._session = Session()
        with self._session.current():
            self._engine = self._deserialise()
            self.inputs, self.outputs = self._tensors()
            self._slots: LifoQueue[_Slot] = LifoQueue()
            for _ in range(streams):
                self._slots.put(self._slot())

    def execute(self, arrays: Arrays) -> dict[str, Array]:
        """Upload, run, download, synchronise once. See `Engine.execute`."""
        check_arrays(self.inputs, arrays)
        if self._closed:
            raise MachineError("the engine was closed")
        slot = self._slots.get()
        try:
            with self._session.current():
                return self._run(slot, arrays)
        finally:
            self._slots.put(slot)

    def layers(self) -> tuple[Layer, ...]:
        """Layers as the engine inspector lists them; empty where there is none."""
        if not hasattr(self._engine, "create_engine_inspector"):
            return ()
        form = self._trt.LayerInformationFormat.JSON
        return layers_from_inspector(
            self._engine.create_engine_inspector().get_engine_information(form)
        )

    def close(self) -> None:
        """Free contexts, buffers, engine and the CUDA context, in that order."""
        if self._closed:
            return
        self._closed = True
        with self._session.current():
            while not self._slots.empty():
                slot = self._slots.get()
                slot.context = None
                for buffer in slot.buffers.values():
                    buffer.free()
            self._engine = None
        self._session.close()

    def _run(self, slot: _Slot, arrays: Arrays) -> dict[str, Array]:
        for tensor in self.inputs:
            array, buffer = arrays[tensor.name], slot.buffers[tensor.name]
            if array.nbytes > buffer.nbytes:
                raise UnsupportedModel(
                    "the batch is larger than the engine was built for", got=array.shape
                )
            np.copyto(buffer.host(array.shape, tensor.dtype), array)
            buffer.upload(array.nbytes, slot.stream)
            if -1 in tensor.shape:
                slot.context.set_input_shape(tensor.name, array.shape)
        if not slot.context.execute_async_v3(slot.stream.handle):
            raise MachineError("TensorRT refused to run the engine", log=self._said())
        views = {tensor.name: self._download(slot, tensor) for tensor in self.outputs}
        slot.stream.synchronize()
        return {name: view.copy() for name, view in views.items()}

    def _download(self, slot: _Slot, tensor: Tensor) -> Array:
        shape = tuple(slot.context.get_tensor_shape(tensor.name))
        view = slot.buffers[tensor.name].host(shape, tensor.dtype)
        slot.buffers[tensor.name].download(view.nbytes, slot.stream)
        return view

    def _deserialise(self) -> Any:
        runtime = self._trt.Runtime(self._logger)
        if os.environ.get(TRUST) == "1" and hasattr(runtime, "engine_host_code_allowed"):
            runtime.engine_host_code_allowed = True
        self._runtime = runtime  # an engine must not outlive its runtime
        engine = runtime.deserialize_cuda_engine(self._file.read_bytes())
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

    def _slot(self) -> _Slot:
        """A context with every address set, at the largest shapes of profile 0."""
        slot = _Slot(self._engine.create_execution_context(), self._session.stream())
        if slot.context is None:
            raise MachineError("TensorRT cannot create a context", log=self._said())
        for tensor in self.inputs:
            shape = tensor.shape
            if -1 in shape:
                shape = tuple(self._engine.get_tensor_profile_shape(tensor.name, 0)[2])
                slot.context.set_input_shape(tensor.name, shape)
            self._allocate(slot, tensor, shape)
        for tensor in self.outputs:
            shape = tuple(int(side) for side in slot.context.get_tensor_shape(tensor.name))
            if -1 in shape:
                raise UnsupportedModel("an output's shape depends on the data", tensor=tensor.name)
            self._allocate(slot, tensor, shape)
        return slot

    def _allocate(self, slot: _Slot, tensor: Tensor, shape: tuple[int, ...]) -> None:
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(tensor.dtype).itemsize
        slot.buffers[tensor.name] = self._session.buffer(size)
        slot.context.set_tensor_address(tensor.name, slot.buffers[tensor.name].address)

    def _said(self) -> str:
        return " | ".join(self._errors)[-1000:] or "nothing was logged"

    def _log(self, severity: str, message: str) -> None:
        if is_error(severity):
            self._errors.append(message.strip())
