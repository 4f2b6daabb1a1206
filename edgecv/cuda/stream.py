"""Streams order work on the device, events mark points in that order and time it."""

from __future__ import annotations

from typing import Any

_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING; pycuda has no name for it


class Stream:
    """Work in this stream runs in the order it was given. Inside `session.current()`.

    It owes nothing to the legacy default stream: a blocking copy or fill, in whatever thread, would
    else spoil every capture in progress.

    Attributes:
        raw: pycuda's stream.
        handle: The CUstream, as TensorRT and torch take it.
    """

    def __init__(self, driver: Any) -> None:
        """See `Session.stream`, which makes them."""
        self.raw = driver.Stream(_NON_BLOCKING)
        self.handle = int(self.raw.handle)

    def synchronize(self) -> None:
        """Wait until all work given so far is done."""
        self.raw.synchronize()

    def wait(self, event: Event) -> None:
        """Let later work of this stream wait for `event` (on the device; the host goes on)."""
        self.raw.wait_for_event(event.raw)

    def done(self) -> bool:
        """Whether all work given so far is done; does not wait."""
        return bool(self.raw.is_done())


class Event:
    """A point in a stream's order. Inside `session.current()`.

    Attributes:
        raw: pycuda's event.
    """

    def __init__(self, driver: Any) -> None:
        """See `Session.event`, which makes them."""
        self.raw = driver.Event()

    def record(self, stream: Stream) -> None:
        """Mark the end of the work given to `stream` so far."""
        self.raw.record(stream.raw)

    def synchronize(self) -> None:
        """Wait until the marked work is done."""
        self.raw.synchronize()

    def done(self) -> bool:
        """Whether the marked work is done; does not wait."""
        return bool(self.raw.query())

    def ms_since(self, earlier: Event) -> float:
        """Milliseconds on the device between two recorded events that are done."""
        return float(self.raw.time_since(earlier.raw))
