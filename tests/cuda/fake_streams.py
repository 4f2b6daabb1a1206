"""Streams that run when somebody waits for them, events between them, and captures of them."""

import itertools
import threading
from collections import deque

_HANDLES = itertools.count(0x51EA0000, 0x100)


class Capture:
    """What is being recorded; streams join it through events."""

    def __init__(self, origin):
        self.origin, self.actions, self.broken, self.ended = origin, [], "", False
        self.streams, self.thread = {origin}, threading.get_ident()
        self.open = set()  # joined streams whose last work the origin has not waited for


class Streams:
    """All streams of a driver."""

    def __init__(self, driver):
        self.driver, self.all = driver, {}

    def register(self, stream):
        self.all[stream.handle] = stream
        return stream

    def drain(self):
        for stream in (self.driver.default, *list(self.all.values())):
            stream.drain()

    def refuse_while_capturing(self, call):
        """A blocking call in a thread that captures (thread-local mode) spoils the capture.

        One that waits for the whole device does so whichever thread captures.
        """
        here = threading.get_ident()
        for stream in list(self.all.values()):
            if stream.capture and (call == "synchronize_all" or stream.capture.thread == here):
                stream.capture.broken = call
                raise self.driver.LogicError(
                    f"{call} failed: operation not permitted when stream is capturing"
                )


class Stream:
    """pycuda's Stream: handle, synchronize, wait_for_event, is_done."""

    def __init__(self, driver, streams):
        self._driver, self._streams = driver, streams
        self._queue, self.capture = deque(), None
        self.handle = next(_HANDLES)
        self._running = False

    def submit(self, action):
        """Put work at the end, or into the capture."""
        if self.capture:
            if self.capture.broken:
                raise self._driver.LogicError(
                    "operation failed due to a previous error during capture"
                )
            self.capture.actions.append(action)
            if self is not self.capture.origin:
                self.capture.open.add(self)
        else:
            self._queue.append(action)

    def synchronize(self):
        self._driver._entered("synchronize", blocking=True)
        self.drain()
        return self

    def is_done(self):
        self._driver._entered("is_done", blocking=True)
        return not self._queue

    def wait_for_event(self, event):
        self._driver._entered("wait_for_event")
        if event.capture and event.capture.ended:
            raise self._driver.LogicError("cuStreamWaitEvent failed: the event was captured")
        if event.capture:
            self._join(event)
        elif self.capture and event.recorded:
            self.capture.broken = "wait_for_event"
            raise self._driver.LogicError(
                "cuStreamWaitEvent failed: dependency created on uncaptured work in another stream"
            )
        elif event.recorded:
            other, marker = event.stream, event.marker  # a later record does not count
            self.submit(lambda: other.drain_until(marker))

    def drain(self):
        """Run what was given so far, in order."""
        if self._running:  # an event this stream waits for leads back to itself
            return
        self._running = True
        try:
            while self._queue:
                self._queue.popleft()()
        except BaseException:
            self._queue.clear()
            raise
        finally:
            self._running = False

    def drain_until(self, marker):
        while marker in self._queue:
            self._queue.popleft()()

    def _join(self, event):
        capture = event.capture
        if self.capture not in (None, capture):
            raise self._driver.LogicError("merge of two captures")
        self.capture = capture
        capture.streams.add(self)
        if self is capture.origin:
            capture.open.discard(event.stream)


class Event:
    """pycuda's Event: record, synchronize, query, time_since."""

    def __init__(self, driver, streams, flags=0):
        self._driver = driver
        self.stream = self.capture = self.marker = None
        self._ticks = 0

    @property
    def recorded(self):
        return self.stream is not None

    def record(self, stream=None):
        self._driver._entered("event_record")
        self.stream, self.capture = stream, stream.capture
        if not stream.capture:
            self.marker = lambda: self._stamp()
            stream.submit(self.marker)
        return self

    def synchronize(self):
        self._driver._entered("event_synchronize", blocking=True)
        self.drain()
        return self

    def query(self):
        self._driver._entered("event_query")
        return not self.recorded or self.marker not in self.stream._queue

    def time_since(self, earlier):
        if not (self.query() and earlier.query()):
            raise self._driver.LogicError("cuEventElapsedTime failed: not ready")
        return float(self._ticks - earlier._ticks)

    def drain(self):
        if self.recorded:
            self.stream.drain_until(self.marker)

    def _stamp(self):
        self._driver.clock = getattr(self._driver, "clock", 0) + 1
        self._ticks = self._driver.clock
