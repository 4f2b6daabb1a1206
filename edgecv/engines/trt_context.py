"""One execution context of a plan: shapes and addresses are set once, then it is enqueued.

A context owns scratch memory that every run of it writes, so it must never be in flight twice; it
stays on the stream it was first enqueued on. Contexts of one chain (detector, then pose) run one
after another on one stream and may share one `Scratch`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgecv.bundle import Tensor
from edgecv.cuda.memory import DeviceArray
from edgecv.cuda.session import Session
from edgecv.cuda.stream import Stream
from edgecv.errors import MachineError, ShapeError, UnsupportedModel

Said = Callable[[], str]


class Scratch:
    """Device memory that the contexts of one chain take turns in, as large as the largest needs.

    Needs a TensorRT that can make contexts without memory of their own (any from 8.5 on).
    """

    def __init__(self, session: Session) -> None:
        """Nothing is allocated before the first context runs."""
        self._session, self._need = session, 0
        self._block: DeviceArray | None = None

    def require(self, nbytes: int) -> None:
        """A context of the chain needs `nbytes`.

        Raises:
            MachineError: the chain already runs in less; its graphs hold the block's address.
        """
        if self._block is not None and nbytes > self._block.nbytes:
            raise MachineError(
                "a chain's scratch memory is in use: open all of its engines before the first runs",
                has=self._block.nbytes,
                needs=nbytes,
            )
        self._need = max(self._need, nbytes)

    def block(self) -> DeviceArray:
        """The memory; allocated when first asked for."""
        if self._block is None:
            self._block = self._session.empty((max(1, self._need),), "uint8")
        return self._block

    def close(self) -> None:
        """Free it; no context of the chain runs any more."""
        if self._block is not None:
            self._block.free()
            self._block = None


class EngineContext:
    """A plan's execution context at one batch size. Made by `TensorRtEngine.context`.

    Every method is called inside `session.current()`.

    Attributes:
        inputs: Name, shape (of this batch) and dtype of each input.
        outputs: Likewise.
    """

    def __init__(
        self,
        context: Any,
        tensors: tuple[tuple[Tensor, ...], tuple[Tensor, ...]],
        shapes: Mapping[str, tuple[int, ...]],
        said: Said,
    ) -> None:
        """Set the shapes of a fresh context.

        Args:
            context: TensorRT's IExecutionContext.
            tensors: The engine's inputs and outputs, -1 where the batch is dynamic.
            shapes: The shape of each input that has a dynamic dimension.
            said: What TensorRT has logged as errors.

        Raises:
            MachineError: TensorRT takes no such shape.
            UnsupportedModel: an output's shape depends on the data.
        """
        self._context, self._said = context, said
        self._scratch: Scratch | None = None
        self._bound: set[str] = set()
        self._handle: int | None = None
        self._tensors = tensors
        self.reshape(shapes)

    def reshape(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Set the shapes of dynamic inputs; a graph captured before is void.

        Raises:
            MachineError, UnsupportedModel: as the constructor.
        """
        for name, shape in shapes.items():
            if not self._context.set_input_shape(name, shape):
                raise MachineError(
                    "TensorRT refused an input shape", tensor=name, shape=shape, log=self._said()
                )
        self.inputs, self.outputs = (tuple(map(self._resolved, side)) for side in self._tensors)

    def share(self, scratch: Scratch, nbytes: int) -> None:
        """Work in `scratch`, of which this context needs `nbytes`."""
        scratch.require(nbytes)
        self._scratch = scratch

    def bind(self, arrays: Mapping[str, DeviceArray]) -> None:
        """Say where tensors lie; once, for as long as the context lives.

        Args:
            arrays: Name -> device memory of the tensor's shape and dtype.

        Raises:
            ShapeError: an unknown tensor, or another shape or dtype.
            MachineError: TensorRT refused the address.
        """
        known = {tensor.name: tensor for tensor in (*self.inputs, *self.outputs)}
        for name, array in arrays.items():
            tensor = known.get(name)
            if tensor is None:
                raise ShapeError(f"the engine has no tensor {name!r}", tensors=", ".join(known))
            if tuple(array.shape) != tensor.shape or str(array.dtype) != tensor.dtype:
                raise ShapeError(
                    f"tensor {name!r} must be {tensor.shape} {tensor.dtype} on the device",
                    got=f"{tuple(array.shape)} {array.dtype}",
                )
            if not self._context.set_tensor_address(name, array.address):
                raise MachineError(
                    "TensorRT refused a tensor's address", tensor=name, log=self._said()
                )
            self._bound.add(name)

    def enqueue(self, stream: Stream) -> None:
        """Run once, in the stream's order. Can be captured where `capturable` says so.

        Raises:
            MachineError: a tensor has no address, another stream than before, or TensorRT refused.
        """
        if self._handle is None:
            self._prepare(stream)
        if stream.handle != self._handle:
            raise MachineError("an execution context stays on one stream: its scratch is shared")
        if not self._context.execute_async_v3(stream.handle):
            raise MachineError("TensorRT refused to run the engine", log=self._said())

    def capturable(self, stream: Stream) -> bool:
        """Whether a CUDA graph may hold this context's work.

        TensorRT-RTX tells; elsewhere every context with fixed shapes counts as capturable until a
        capture fails.
        """
        ask = getattr(self._context, "is_stream_capturable", None)
        return True if ask is None else bool(ask(stream.handle))

    def close(self) -> None:
        """Let go of TensorRT's context; its memory goes with it."""
        self._context = None

    def _prepare(self, stream: Stream) -> None:
        missing = [t.name for t in (*self.inputs, *self.outputs) if t.name not in self._bound]
        if missing:
            raise MachineError("a tensor of the engine has no address", tensors=", ".join(missing))
        if self._scratch is not None:
            block = self._scratch.block()
            if hasattr(self._context, "set_device_memory"):
                self._context.set_device_memory(block.address, block.nbytes)
            else:
                self._context.device_memory = block.address
        self._handle = stream.handle

    def _resolved(self, tensor: Tensor) -> Tensor:
        shape = tuple(int(side) for side in self._context.get_tensor_shape(tensor.name))
        if -1 in shape:
            raise UnsupportedModel("an output's shape depends on the data", tensor=tensor.name)
        return tensor.model_copy(update={"shape": shape})


def new_context(trt: Any, engine: Any, config: Any, *, own_memory: bool) -> tuple[Any, int]:
    """A fresh IExecutionContext, and the bytes of scratch it must be given (0: it has its own).

    Args:
        trt: The module.
        engine: Its ICudaEngine.
        config: An IRuntimeConfig, or None where this version has none.
        own_memory: Whether the context allocates its own scratch.
    """
    strategies: Any = getattr(trt, "ExecutionContextAllocationStrategy", None)
    managed = getattr(strategies, "USER_MANAGED", None)
    if config is not None:
        strategy = strategies.STATIC if own_memory else managed
        config.set_execution_context_allocation_strategy(strategy)
        return engine.create_execution_context(config), 0 if own_memory else _size(engine)
    if own_memory:
        return engine.create_execution_context(), 0
    if managed is not None and hasattr(engine, "device_memory_size_v2"):
        return engine.create_execution_context(managed), _size(engine)
    if hasattr(engine, "create_execution_context_without_device_memory"):
        return engine.create_execution_context_without_device_memory(), _size(engine)
    return engine.create_execution_context(), 0


def take_profile(context: Any, session: Session, said: Said) -> None:
    """Profile 0, which TensorRT before 9 gives by itself only to a dynamic engine's first context.

    Args:
        context: A fresh IExecutionContext.
        session: The device; waited for if the profile has to be set.
        said: What TensorRT has logged as errors.

    Raises:
        MachineError: the other contexts do not share it (before 8.6).
    """
    if getattr(context, "active_optimization_profile", 0) >= 0:
        return
    stream = session.stream()
    if not context.set_optimization_profile_async(0, stream.handle):
        raise MachineError(
            "this TensorRT runs a dynamic engine in one context only",
            log=said(),
            fix="streams=1, or build for one batch size",
        )
    stream.synchronize()


def _size(engine: Any) -> int:
    """Scratch of one context, in bytes; 64-bit where this version has it."""
    newer = getattr(engine, "device_memory_size_v2", None)
    return int(newer if newer is not None else engine.device_memory_size)
