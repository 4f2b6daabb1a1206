"""The smallest bucket that holds a count runs; from its second run on, captured."""

import numpy as np
import pytest

from edgecv.errors import MachineError
from edgecv.runtime.device.buckets import ROIS, Buckets, bucket_sizes

ONE_ORDER = pytest.mark.parametrize("session", ["forward"], indirect=True)


class Fill:
    """A stage that fills its array with its size."""

    def __init__(self, session, size):
        self.array, self.size, self.runs = session.zeros((4,), "uint8"), size, 0

    def enqueue(self, stream):
        self.runs += 1
        self.array.fill(stream, self.size)

    def close(self):
        self.array.free()


class Refuses(Fill):
    """One that cannot be captured, as an engine says it."""

    def enqueue(self, stream):
        super().enqueue(stream)
        if self.runs == 2:
            raise MachineError("TensorRT refused to run the engine")


@pytest.mark.parametrize(
    ("batch", "most", "sizes"),
    [
        pytest.param((1, 100, 1000), 1000, (50, 100, 300, 1000), id="all"),
        pytest.param((1, 100, 400), 1000, (50, 100, 300, 400), id="engine-takes-fewer"),
        pytest.param((1, 100, 1000), 20, (20,), id="few-wanted"),
        pytest.param((64, 64, 64), 1000, (64,), id="fixed"),
        pytest.param((64, 64, 64), 20, (64,), id="fixed-and-few"),
    ],
)
def test_sizes(batch, most, sizes):
    assert bucket_sizes(ROIS, batch, most) == sizes


@ONE_ORDER
def test_the_smallest_that_holds_the_count_runs(session):
    stream = session.stream()
    buckets = Buckets(session, stream, (2, 5, 9), lambda size: Fill(session, size))
    for count, size in ((1, 2), (2, 2), (3, 5), (9, 9), (30, 9), (2, 2)):
        stage = buckets.run(count)
        stream.synchronize()
        assert stage.size == size
        assert session.download(stage.array).tolist() == [size] * 4
    assert buckets.run(0) is None
    assert (buckets.dropped(9), buckets.dropped(30)) == (0, 21)
    buckets.close()


@ONE_ORDER
def test_the_second_run_is_captured_and_later_ones_replay(session):
    stream = session.stream()
    buckets = Buckets(session, stream, (4,), lambda size: Fill(session, size))
    for _ in range(5):
        stage = buckets.run(3)
        stage.array.fill(stream, 0)
        stream.synchronize()
    assert stage.runs == 2  # once eagerly, once into the graph
    buckets.run(3)
    stream.synchronize()
    assert session.download(stage.array).tolist() == [4] * 4
    buckets.close()


@ONE_ORDER
def test_without_graphs_every_run_is_eager(session):
    stream = session.stream()
    buckets = Buckets(session, stream, (4,), lambda size: Fill(session, size), graphs=False)
    for _ in range(3):
        stage = buckets.run(1)
    assert stage.runs == 3
    buckets.close()


@ONE_ORDER
def test_a_stage_that_cannot_be_captured_runs_all_the_same(session):
    stream = session.stream()
    buckets = Buckets(session, stream, (4,), lambda size: Refuses(session, size))
    for _ in range(3):
        stage = buckets.run(1)
        stream.synchronize()
        assert session.download(stage.array).tolist() == [4] * 4
        stage.array.fill(stream, 0)
    buckets.close()


@ONE_ORDER
def test_a_size_that_cannot_be_made_frees_the_others(session):
    def make(size):
        if size == 5:
            raise MachineError("no memory")
        return Fill(session, size)

    with pytest.raises(MachineError, match="no memory"):
        Buckets(session, session.stream(), (2, 5), make)


def test_sizes_of_the_published_cascades():
    assert np.all(np.diff(ROIS) > 0)
