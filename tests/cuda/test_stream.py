"""Streams and events: pycuda's calls under names that say what waits for what."""

import numpy as np
import pytest

from edgecv.cuda.stream import Event, Stream

one_order = pytest.mark.parametrize(
    "session", ["forward", pytest.param("gpu", marks=pytest.mark.gpu)], indirect=True
)


@one_order
def test_events_order_streams_and_time_them(session):
    first, second = session.stream(), session.stream()
    begin, end, array = session.event(), session.event(), session.zeros((4,), "uint8")
    begin.record(first)
    array.fill(first, 5)
    end.record(first)
    second.wait(end)
    host = session.pinned((4,), "uint8")
    array.download(host, second)
    second.synchronize()
    np.testing.assert_array_equal(host, 5)
    assert end.done()
    assert end.ms_since(begin) >= 0


class Noted:
    """pycuda's stream and event, as far as they are used; every call is noted."""

    def __init__(self, kind, *arguments):
        self.calls, self.handle = [(kind, *arguments)], 77
        self.answers = {"is_done": False, "query": True, "time_since": 1.5}

    def __getattr__(self, name):
        def call(*arguments):
            self.calls.append((name, *arguments))
            return self.answers.get(name)

        return call


class Driver:
    """Makes noted things."""

    def Stream(self, *arguments):
        return Noted("Stream", *arguments)

    def Event(self, *arguments):
        return Noted("Event", *arguments)


def test_a_stream_owes_nothing_to_the_default_one():
    stream = Stream(Driver())
    assert stream.raw.calls == [("Stream", 1)]  # CU_STREAM_NON_BLOCKING
    assert stream.handle == 77


def test_who_waits_for_whom():
    stream, event, earlier = Stream(Driver()), Event(Driver()), Event(Driver())
    stream.wait(event)
    stream.synchronize()
    assert stream.done() is False
    assert stream.raw.calls[1:] == [("wait_for_event", event.raw), ("synchronize",), ("is_done",)]
    event.record(stream)
    event.synchronize()
    assert event.done() is True
    assert event.ms_since(earlier) == 1.5
    calls = [("record", stream.raw), ("synchronize",), ("query",), ("time_since", earlier.raw)]
    assert event.raw.calls[1:] == calls
