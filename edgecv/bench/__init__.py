"""The stage `bench`: how long each step of a frame takes here, and under what conditions.

Writes latency.json into the bundle.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgecv.recipe import Bench

__all__ = ["bench"]


def bench(bundle: Path, options: Bench | None = None) -> dict[str, Any]:
    """Measure a bundle.

    Each frame is decoded (JPEG), pre-processed, executed, decoded into results and drawn; each
    step is timed. End to end is from the decoded picture in memory to results: without decoding
    and drawing. Throughput is that of `streams` threads, each with its own stream of the engine.

    On a GPU the frame stays there: its steps are timed apart, as three graphs with events between,
    end to end is the closed loop with one graph, and throughput that of the ring with `streams`
    execution contexts; "device" has these and more, see `edgecv.bench.device`.

    Args:
        bundle: The bundle's folder.
        options: How to measure; None: the recipe's bench section, as the bundle carries it.

    Returns:
        What latency.json holds: {"stages": {"decode", "pre", "engine", "post", "draw"} each with
        {"p50_ms", "p90_ms", "p99_ms"}, "end_to_end": likewise, "throughput_fps", "peak_rss_mib",
        "conditions"}.

    Raises:
        FileError, EngineMismatch, MachineError, MissingPackage: as `edgecv.load`.
        IoFailed: the bundle's folder cannot be written.
    """
    from edgecv.bench.conditions import conditions, load_average
    from edgecv.bench.device import device_times, on_device, pipelined_fps
    from edgecv.bench.memory import PeakMemory
    from edgecv.bench.source import source_frame
    from edgecv.bench.timing import stage_times, throughput
    from edgecv.bundle import open_bundle
    from edgecv.files import write_json
    from edgecv.runtime import load

    before = load_average()
    memory = PeakMemory()
    options = options or open_bundle(bundle, check_digests=False).manifest.bench
    with load(bundle, threads=options.threads) as model:
        frame, picture = source_frame(options.source_size)
        times = stage_times(model, frame, options)
        facts = conditions(model.bundle.manifest, options)
        if on_device(model):
            times["device"] = device_times(model, frame, options)
            times["end_to_end"] = times["device"]["closed_loop"]
            facts["end_to_end_is"] = "decoded frame in host memory to results: one call"
    with load(bundle, threads=options.threads, streams=options.streams) as model:
        if on_device(model):
            fps = pipelined_fps(model, frame, options)
        else:
            fps = throughput(model, frame, options)
    measured = {
        **times,
        "throughput_fps": fps,
        "peak_rss_mib": memory.mib(),
        "conditions": {
            **facts,
            "source": picture,
            "peak_rss_of": memory.scope,
            "load_before": before,
            "load_after": load_average(),
        },
    }
    write_json(bundle / "latency.json", measured)
    return measured
