"""How a frame's work is cut into graphs."""

import pytest

from edgecv.errors import MachineError
from edgecv.runtime.device.program import (
    NO_GRAPH,
    Parts,
    Program,
    Segment,
    frame_segments,
    graphs_wanted,
    timed_segments,
)

ORDERS = ["forward", pytest.param("gpu", marks=pytest.mark.gpu)]


def _parts(capturable, graphs=True):
    done = []
    parts = Parts(
        (lambda: done.append("before"),),
        lambda: done.append("engine"),
        (lambda: done.append("after"), lambda: done.append("download")),
        capturable,
        graphs,
    )
    return parts, done


def _shape(segments):
    return [(len(segment.steps), segment.captured) for segment in segments]


def test_one_graph_where_the_engine_can_be_captured_three_parts_to_time_it():
    parts, _ = _parts(True)
    assert _shape(frame_segments(parts)) == [(4, True)]
    assert _shape(timed_segments(parts)) == [(1, True), (1, True), (2, True)]


def test_graphs_around_an_engine_that_takes_none():
    parts, _ = _parts(False)
    assert _shape(frame_segments(parts)) == [(1, True), (1, False), (2, True)]


@pytest.mark.parametrize("capturable", [True, False])
def test_no_graph_at_all_if_the_user_says_so(monkeypatch, capturable):
    assert graphs_wanted()
    monkeypatch.setenv(NO_GRAPH, "1")
    assert not graphs_wanted()
    parts, _ = _parts(capturable, graphs=False)
    assert _shape(frame_segments(parts)) == [(4, False)]
    assert not any(segment.captured for segment in timed_segments(parts))


@pytest.mark.parametrize("session", ORDERS, indirect=True)
def test_eager_segments_run_each_time_in_order(session):
    parts, done = _parts(True)
    stream = session.stream()
    segments = [Segment(segment.steps, False) for segment in timed_segments(parts)]
    program = Program(session, stream, segments)
    events = [session.event() for _ in range(4)]
    program.run()
    program.run_timed(events)
    assert done == ["before", "engine", "after", "download"] * 2
    assert program.graphs == 0
    program.close()


@pytest.mark.parametrize("session", ORDERS, indirect=True)
def test_a_capture_that_records_nothing_is_an_error_and_leaves_no_graph(session):
    parts, _ = _parts(True)
    with pytest.raises(MachineError, match="nothing was recorded"):
        Program(session, session.stream(), frame_segments(parts))
