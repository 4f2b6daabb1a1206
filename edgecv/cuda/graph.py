"""CUDA graphs: what a function puts into a stream is recorded once and launched as a whole.

pycuda has no graph calls, so a few functions of the driver library are called by ctypes on
`stream.handle`. The capture is of the thread-local kind: other threads may go on allocating. They
must not wait for the whole device: that ends every capture on it, of whatever kind and thread
(NVIDIA/TensorRT#2888), and fails itself. So both are done under `CAPTURE_LOCK`.

Before recording, every kernel inside must have run once (modules are loaded lazily, TensorRT
allocates at its first enqueue): one warm-up call is the caller's duty.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, RLock
from typing import Any

from edgecv.cuda.driver import load_driver
from edgecv.cuda.stream import Stream
from edgecv.errors import MachineError

CAPTURE_LOCK = RLock()  # held while a thread captures, or waits for the whole device
_holding, _held = Lock(), list[bool]()  # first: whether it was on; then one a capture
_THREAD_LOCAL = 1  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL


class Graph:
    """A recorded sequence, ready to launch. Inside `session.current()`.

    Attributes:
        nodes: How many launches, copies and fills were recorded.
    """

    def __init__(self, stream: Stream, record: Callable[[], None]) -> None:
        """Record what `record` puts into `stream`; nothing of it runs now.

        Args:
            stream: An idle stream, not the default one.
            record: Launches and asynchronous copies only: no allocation, no synchronisation.

        Raises:
            MachineError: something inside cannot be captured, or nothing was recorded.
        """
        self._library = _require_driver()
        graph = _capture(self._library, stream, record)
        try:
            count = ctypes.c_size_t()
            _check(
                self._library,
                self._library.cuGraphGetNodes(graph, None, ctypes.byref(count)),
                "cuGraphGetNodes",
            )
            self.nodes = count.value
            if not self.nodes:
                raise MachineError("nothing was recorded: the work went to another stream")
            self._executable = _instantiate(self._library, graph)
        finally:
            self._library.cuGraphDestroy(graph)

    def launch(self, stream: Stream) -> None:
        """Run the recorded work in the order of `stream`; it returns at once."""
        if self._executable is None:
            raise MachineError("the graph was closed")
        code = self._library.cuGraphLaunch(self._executable, ctypes.c_void_p(stream.handle))
        _check(self._library, code, "cuGraphLaunch")

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._executable is None

    def close(self) -> None:
        """Destroy it; it must not be running. A second call does nothing."""
        executable, self._executable = self._executable, None
        if executable is not None:
            self._library.cuGraphExecDestroy(executable)


def _capture(library: Any, stream: Stream, record: Callable[[], None]) -> ctypes.c_void_p:
    """The graph of what `record` does. Garbage collection waits: a free would spoil the capture."""
    handle, graph = ctypes.c_void_p(stream.handle), ctypes.c_void_p()
    begin = _named(library, "cuStreamBeginCapture_v2", "cuStreamBeginCapture")
    with CAPTURE_LOCK, _no_collection():
        _check(library, begin(handle, ctypes.c_int(_THREAD_LOCAL)), "cuStreamBeginCapture")
        try:
            record()
        except BaseException:
            library.cuStreamEndCapture(handle, ctypes.byref(graph))
            if graph.value:
                library.cuGraphDestroy(graph)
            raise
        code = library.cuStreamEndCapture(handle, ctypes.byref(graph))
        _check(library, code, "cuStreamEndCapture")
    return graph


@contextmanager
def _no_collection() -> Iterator[None]:
    """Hold garbage collection off while any thread captures."""
    with _holding:
        if not _held:
            _held.append(gc.isenabled())
            gc.disable()
        _held.append(True)
    try:
        yield
    finally:
        with _holding:
            _held.pop()
            if len(_held) == 1 and _held.pop():
                gc.enable()


def _instantiate(library: Any, graph: ctypes.c_void_p) -> ctypes.c_void_p | None:
    executable = ctypes.c_void_p()
    if hasattr(library, "cuGraphInstantiateWithFlags"):  # CUDA 11.4 and later
        code = library.cuGraphInstantiateWithFlags(
            ctypes.byref(executable), graph, ctypes.c_ulonglong(0)
        )
    else:
        code = library.cuGraphInstantiate_v2(
            ctypes.byref(executable), graph, None, None, ctypes.c_size_t(0)
        )
    _check(library, code, "cuGraphInstantiate")
    return executable


def _named(library: Any, *names: str) -> Any:
    """The first of these functions the driver has (hidden versions differ between releases)."""
    for name in names:
        if hasattr(library, name):
            return getattr(library, name)
    raise MachineError(
        "this driver is too old for CUDA graphs", lacks=names[0], fix="update the NVIDIA driver"
    )


def _require_driver() -> Any:
    library = load_driver()
    if library is None:
        raise MachineError("this machine has no CUDA driver or no device")
    return library


def _check(library: Any, code: int, call: str) -> None:
    if code:
        text = ctypes.c_char_p()
        library.cuGetErrorString(ctypes.c_int(code), ctypes.byref(text))
        raise MachineError(
            "a CUDA graph failed",
            call=call,
            code=code,
            reason=(text.value or b"unknown").decode(errors="replace"),
            fix="run without a graph, or record only launches and asynchronous copies",
        )
