"""Capture and replay: the same work with the arguments of capture time; misuse ends cleanly."""

import gc
import threading
from pathlib import Path

import numpy as np
import pytest

from edgecv.cuda import graph as room
from edgecv.cuda.driver import load_driver
from edgecv.cuda.graph import Graph
from edgecv.errors import MachineError
from tests.cuda.device import log_of

EXAMPLE = Path(__file__).with_name("example.cu")
one_order = pytest.mark.parametrize(
    "session", ["forward", pytest.param("gpu", marks=pytest.mark.gpu)], indirect=True
)


@pytest.fixture
def scale(session):
    return session.kernels(EXAMPLE).function("example_scale", "Pif")


@one_order
def test_a_graph_repeats_what_was_recorded(session, scale):
    array, stream = session.upload(np.ones(8, np.float32)), session.stream()
    scale.launch(stream, (1,), (8,), array, 8, 1.0)
    graph = session.graph(stream, lambda: scale.launch(stream, (1,), (8,), array, 8, 3.0))
    assert graph.nodes == 1
    np.testing.assert_array_equal(session.download(array), 1)
    for _ in range(2):
        graph.launch(stream)
    np.testing.assert_array_equal(session.download(array), 9)
    graph.close()
    graph.close()
    with pytest.raises(MachineError, match="graph was closed"):
        graph.launch(stream)


@one_order
def test_other_streams_join_through_events(session, scale):
    array = session.upload(np.ones(8, np.float32))
    first, second = session.stream(), session.stream()
    forked, joined = session.event(), session.event()

    def record():
        scale.launch(first, (1,), (8,), array, 8, 2.0)
        forked.record(first)
        second.wait(forked)
        scale.launch(second, (1,), (8,), array, 8, 5.0)
        joined.record(second)
        first.wait(joined)

    assert session.graph(first, record).nodes == 2


@one_order
def test_a_stream_that_does_not_come_back_is_an_error(session, scale):
    array = session.upload(np.ones(8, np.float32))
    first, second, forked = session.stream(), session.stream(), session.event()

    def record():
        scale.launch(first, (1,), (8,), array, 8, 2.0)
        forked.record(first)
        second.wait(forked)
        scale.launch(second, (1,), (8,), array, 8, 5.0)

    with pytest.raises(MachineError, match="cuStreamEndCapture"):
        session.graph(first, record)


class Elsewhere:
    """A driver library whose functions have the names of another release."""

    def __init__(self, library, renamed):
        self._library, self._renamed = library, renamed

    def __getattr__(self, name):
        if name in self._renamed.values():
            raise AttributeError(name)
        return getattr(self._library, self._renamed.get(name, name))


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_other_releases_have_other_names(session, scale, monkeypatch):
    """Before CUDA 11.4: cuGraphInstantiate_v2, with the arguments of its time."""
    array, stream, library = session.zeros((8,), np.float32), session.stream(), load_driver()
    renamed = {"cuStreamBeginCapture": "cuStreamBeginCapture_v2"}
    monkeypatch.setattr(room, "load_driver", lambda: Elsewhere(library, renamed))
    renamed["cuGraphInstantiate_v2"] = "cuGraphInstantiateWithFlags"
    library.cuGraphInstantiateWithFlags = lambda executable, graph, *rest: (
        len(rest) - 3 or type(library).cuGraphInstantiateWithFlags(library, executable, graph, 0)
    )
    session.graph(stream, lambda: scale.launch(stream, (1,), (8,), array, 8, 1.0)).launch(stream)
    renamed["nothing"] = renamed.pop("cuStreamBeginCapture")
    with pytest.raises(MachineError, match="too old for CUDA graphs"):
        session.graph(stream, lambda: None)


@one_order
def test_another_thread_may_allocate_meanwhile(session, scale):
    """The capture is thread-local: a worker does not stop the others."""
    array, stream = session.zeros((8,), np.float32), session.stream()
    made = []

    def allocate():
        with session.current():
            made.append(session.upload(np.arange(3)))

    def record():
        scale.launch(stream, (1,), (8,), array, 8, 1.0)
        worker = threading.Thread(target=allocate)
        worker.start()
        worker.join()

    assert session.graph(stream, record).nodes == 1
    np.testing.assert_array_equal(session.download(made[0]), [0, 1, 2])


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_events_of_a_capture_stay_inside_it(session, scale):
    """Seen by the fake as CUDA says: neither waits for what is outside, nor is waited for there."""
    array = session.zeros((8,), np.float32)
    first, second = session.stream(), session.stream()
    outside, inside = session.event(), session.event()
    outside.record(second)
    with pytest.raises(MachineError, match="on uncaptured work"):
        session.graph(first, lambda: first.wait(outside))

    def record():
        scale.launch(first, (1,), (8,), array, 8, 1.0)
        inside.record(first)

    session.graph(first, record)
    with pytest.raises(session._driver.LogicError, match="the event was captured"):
        second.wait(inside)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_a_stream_waits_for_the_record_before_the_wait(session):
    """An event recorded again later does not delay it, and does not hide a missing wait."""
    array, first, second = session.zeros((1,), np.uint8), session.stream(), session.stream()
    event, host = session.event(), session.pinned((1,), np.uint8)
    array.fill(first, 1)
    event.record(first)
    second.wait(event)
    array.download(host, second)
    array.fill(first, 2)
    event.record(first)
    second.synchronize()
    assert host[0] == 1


@one_order
def test_nothing_recorded_is_an_error(session):
    with pytest.raises(MachineError, match="nothing was recorded"):
        session.graph(session.stream(), lambda: None)


@one_order
def test_an_error_inside_ends_the_capture(session, scale):
    stream = session.stream()

    def record():
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        session.graph(stream, record)
    assert gc.isenabled()
    array = session.upload(np.ones(8, np.float32))
    scale.launch(stream, (1,), (8,), array, 8, 2.0)
    stream.synchronize()
    np.testing.assert_array_equal(session.download(array), 2)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_garbage_waits_while_recording(session, scale):
    array, stream, seen = session.zeros((8,), np.float32), session.stream(), []

    def record():
        seen.append(gc.isenabled())
        scale.launch(stream, (1,), (8,), array, 8, 1.0)

    assert isinstance(session.graph(stream, record), Graph)
    assert seen == [False]
    assert gc.isenabled()
    assert ("begin_capture", room._THREAD_LOCAL) in log_of(session)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_garbage_waits_for_the_last_capture(session):
    """Captures of two threads overlap: the first to end must not switch it on."""
    with room._no_collection():
        with room._no_collection():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    with room._no_collection():
        pass
    assert not gc.isenabled()
    gc.enable()


@one_order
def test_a_session_forgets_closed_graphs(session, scale):
    array, stream = session.zeros((8,), np.float32), session.stream()
    for _ in range(3):
        graph = session.graph(stream, lambda: scale.launch(stream, (1,), (8,), array, 8, 1.0))
        graph.close()
        assert graph.closed
    assert len(session._graphs) == 1


@pytest.mark.parametrize("session", ["forward"], indirect=True)
@pytest.mark.parametrize("call", ["allocate", "synchronize", "zeros"])
def test_a_blocking_call_inside_fails_as_on_a_device(session, call):
    stream = session.stream()
    act = {
        "allocate": lambda: session.empty((4,), np.float32),
        "synchronize": stream.synchronize,
        "zeros": lambda: session.zeros((4,), np.float32),
    }[call]
    with pytest.raises(MachineError, match="when stream is capturing"):
        session.graph(stream, act)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
@pytest.mark.parametrize("call", ["synchronize", "zeros", "upload", "download"])
def test_other_threads_wait_for_a_capture_before_they_wait_for_the_device(session, scale, call):
    """A device-wide wait ends the captures of all threads; without the lock both sides fail."""
    array, stream = session.zeros((8,), np.float32), session.stream()
    recording, began, failed = threading.Event(), threading.Event(), []
    act = {
        "synchronize": session.synchronize,
        "zeros": lambda: session.zeros((4,), np.float32),
        "upload": lambda: session.upload(np.ones(4, np.float32)),
        "download": lambda: session.download(array),
    }[call]

    def other():
        recording.wait(10)
        with session.current():
            began.set()
            try:
                act()
            except session._driver.Error as err:
                failed.append(err)

    def record():
        recording.set()
        began.wait(10)
        thread.join(0.1)  # time enough to do harm
        scale.launch(stream, (1,), (8,), array, 8, 1.0)

    thread = threading.Thread(target=other)
    thread.start()
    graph = session.graph(stream, record)
    thread.join(10)
    assert not thread.is_alive()
    assert (graph.nodes, failed) == (1, [])
