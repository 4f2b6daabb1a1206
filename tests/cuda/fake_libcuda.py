"""The few functions of libcuda.so.1 that are called by ctypes: devices, and CUDA graphs."""

from tests.cuda.fake_streams import Capture

INVALID, CAPTURE_INVALIDATED = 1, 901
LEGACY = 1


class FakeLibcuda:
    """Captures streams of a `FakeDriver`; a graph is the list of what was submitted."""

    def __init__(self, driver, *, cuda=13000):
        self._driver, self._cuda = driver, cuda
        self.graphs, self.executables = {}, {}
        self._next = 0x6A000000

    def cuInit(self, flags):
        return 0

    def cuDriverGetVersion(self, number):
        number._obj.value = self._cuda
        return 0

    def cuDeviceGetCount(self, count):
        count._obj.value = self._driver._devices
        return 0

    def cuDeviceGet(self, handle, ordinal):
        handle._obj.value = ordinal
        return 0

    def cuDeviceGetName(self, name, size, handle):
        name.value = b"emulated"
        return 0

    def cuDeviceGetAttribute(self, value, number, handle):
        known = {75: self._driver.capability[0], 76: self._driver.capability[1]}
        value._obj.value = known.get(number, int(self._driver.integrated))
        return 0

    def cuCtxGetCurrent(self, context):
        stack = self._driver.stacks.theirs()
        context._obj.value = stack[-1] if stack else None
        return 0

    def cuCtxPopCurrent_v2(self, context):
        self._driver.stacks.theirs().pop()
        return 0

    def cuGetErrorString(self, code, text):
        known = {
            INVALID: b"invalid argument",
            CAPTURE_INVALIDATED: b"operation failed due to a previous error during capture",
        }
        text._obj.value = known.get(code.value, b"unknown error")
        return 0

    def cuStreamSynchronize(self, stream):
        self._driver.require_current()
        self._driver.log.append(("synchronize_default",))
        if stream.value != LEGACY:
            return INVALID
        self._driver.default.drain()
        return 0

    def cuStreamBeginCapture_v2(self, stream, mode):
        self._driver.require_current()
        stream = self._driver.streams.all.get(stream.value)
        if stream is None or stream.capture:
            return INVALID
        self._driver.log.append(("begin_capture", mode.value))
        stream.capture = Capture(stream)
        return 0

    def cuStreamEndCapture(self, stream, graph):
        stream = self._driver.streams.all[stream.value]
        capture = stream.capture
        self._driver.log.append(("end_capture",))
        capture.ended = True
        for joined in capture.streams:
            joined.capture = None
        if capture.broken or capture.open or capture.origin is not stream:
            graph._obj.value = None
            return CAPTURE_INVALIDATED
        graph._obj.value = self._keep(self.graphs, capture.actions)
        return 0

    def cuGraphGetNodes(self, graph, nodes, count):
        count._obj.value = len(self.graphs[graph.value])
        return 0

    def cuGraphInstantiateWithFlags(self, executable, graph, flags):
        executable._obj.value = self._keep(self.executables, list(self.graphs[graph.value]))
        return 0

    def cuGraphDestroy(self, graph):
        del self.graphs[graph.value]
        return 0

    def cuGraphLaunch(self, executable, stream):
        self._driver.require_current()
        self._driver.log.append(("graph_launch",))
        stream = self._driver.streams.all[stream.value]
        for action in self.executables[executable.value]:
            stream.submit(action)
        return 0

    def cuGraphExecDestroy(self, executable):
        del self.executables[executable.value]
        return 0

    def _keep(self, where, thing):
        self._next += 0x10
        where[self._next] = thing
        return self._next
