"""A GPU's numbers: engine, closed loop with and without graph, paced, pipelined; and its state."""

import shutil

import numpy as np

from edgecv.bench import bench, device
from edgecv.bench.device import closed_loop, device_times, on_device, pipelined_fps
from edgecv.recipe import Bench
from edgecv.runtime import load

FEW = Bench(warmup=1, frames=4, streams=1, source_size=(48, 64))
FRAME = np.zeros((4, 4, 3), np.uint8)


class Counting:
    """A model on a GPU that notes what is asked of it."""

    def __init__(self):
        self.graphs, self.calls = True, []

    def __call__(self, frame):
        self.calls.append("graph" if self.graphs else "eager")

    def stream(self, frames):
        for _ in frames:
            yield self.calls.append("stream")

    def engine_ms(self, runs):
        return [float(run) for run in range(runs)]


def test_every_number_is_measured_after_its_own_warm_up(monkeypatch):
    monkeypatch.setattr(device, "PACE_S", 1e-4)
    model = Counting()
    found = device_times(model, FRAME, FEW)
    assert found["engine"]["p50_ms"] == 2.5  # of 1, 2, 3, 4
    assert model.calls.count("graph") == 10  # closed loop, and paced
    assert model.calls.count("eager") == 5
    assert model.calls.count("stream") == 6
    assert model.graphs
    assert {"before", "after", "steady"} == set(found["gpu"])
    assert found["pipelined_fps"] > 0


def test_paced_frames_begin_on_time(monkeypatch):
    slept = []
    monkeypatch.setattr(device.time, "sleep", slept.append)
    closed_loop(Counting(), FRAME, FEW, pace_s=10.0)
    assert [round(seconds / 10) for seconds in slept] == [1, 2, 3, 4, 5]


def test_the_last_result_ends_the_throughput(monkeypatch):
    ticks = iter([10.0, 12.0])
    monkeypatch.setattr(device.time, "perf_counter", lambda: next(ticks))
    assert pipelined_fps(Counting(), FRAME, FEW) == 2.0


def test_a_bundle_on_the_device_path_is_measured_whole(machine, plan_bundle, tmp_path):
    machine()
    bundle = shutil.copytree(plan_bundle("classify"), tmp_path / "bundle")
    measured = bench(bundle, FEW)
    assert measured["end_to_end"] == measured["device"]["closed_loop"]
    assert measured["conditions"]["end_to_end_is"].endswith("one call")
    assert measured["throughput_fps"] > 0
    with load(bundle) as model:
        assert on_device(model)


def test_a_cpu_bundle_has_no_such_part(tiny_bundle, tmp_path):
    bundle = shutil.copytree(tiny_bundle("classify"), tmp_path / "bundle")
    assert "device" not in bench(bundle, FEW)
