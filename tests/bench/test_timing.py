"""Percentiles by hand; a stream that fails is not silently left out."""

import threading

import numpy as np
import pytest

from edgecv.bench.timing import percentiles, stage_times, throughput
from edgecv.errors import UsageError
from edgecv.recipe import Bench

FRAME = np.zeros((4, 4, 3), np.uint8)


def test_percentiles_by_hand():
    assert percentiles(np.arange(101.0)) == {"p50_ms": 50, "p90_ms": 90, "p99_ms": 99}


class Counting:
    """A model whose engine takes as many milliseconds as it was called before."""

    def __init__(self):
        self.calls = 0

    def timed(self, frame):
        assert frame.shape == (16, 16, 3)
        times = {"pre_ms": 1.0, "engine_ms": float(self.calls), "post_ms": 2.0}
        self.calls += 1
        return self, times

    def draw(self, frame):
        return frame


def test_warm_up_is_not_counted():
    measured = stage_times(Counting(), np.zeros((16, 16, 3), np.uint8), Bench(warmup=2, frames=3))
    assert measured["stages"]["engine"]["p50_ms"] == 3.0  # of 2, 3, 4
    assert measured["stages"]["pre"]["p99_ms"] == 1.0
    assert measured["stages"]["post"]["p50_ms"] == 2.0


def test_every_stream_runs_its_share():
    calls = []
    fps = throughput(
        lambda _: calls.append(threading.get_ident()), FRAME, Bench(frames=10, streams=2)
    )
    assert fps > 0
    assert len(calls) == 2 * (1 + 5)


@pytest.mark.parametrize("fails_at", [0, 3], ids=["first-frame", "later"])
def test_a_failing_stream_fails_the_bench(fails_at):
    lock, count = threading.Lock(), iter(range(100))

    def model(_):
        with lock:
            if next(count) >= fails_at:
                raise RuntimeError("engine died")

    with pytest.raises(UsageError, match="a stream failed") as told:
        throughput(model, FRAME, Bench(frames=20, streams=2))
    assert isinstance(told.value.__cause__, (RuntimeError, threading.BrokenBarrierError))
