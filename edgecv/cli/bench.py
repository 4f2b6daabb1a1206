"""`edgecv bench`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from edgecv.cli.options import BundleArg, JsonOpt, QuietOpt, emit, user_errors

StreamsOpt = Annotated[int | None, typer.Option(min=1, help="Threads that share the engine.")]
FramesOpt = Annotated[int | None, typer.Option(min=1, help="Frames that count.")]
ThreadsOpt = Annotated[int | None, typer.Option(min=0, help="CPU threads; 0: the engine's choice.")]


def bench(
    bundle: BundleArg,
    as_json: JsonOpt = False,
    streams: StreamsOpt = None,
    frames: FramesOpt = None,
    threads: ThreadsOpt = None,
    quiet: QuietOpt = False,
) -> None:
    """Measure a bundle: p50/p90/p99 per stage and end to end, throughput, memory, conditions.

    Writes latency.json into the bundle. Options left out come from the recipe's bench section.
    """
    with user_errors(quiet):
        from edgecv.bench import bench
        from edgecv.bundle import open_bundle

        asked = {"streams": streams, "frames": frames, "threads": threads}
        given = {name: value for name, value in asked.items() if value is not None}
        section = open_bundle(bundle, check_digests=False).manifest.bench
        measured = bench(bundle, section.model_copy(update=given))
        emit(measured, as_json, lambda: _table(measured))


def _table(measured: dict[str, Any]) -> str:
    rows = {**measured["stages"], "end to end": measured["end_to_end"]}
    lines = [f"{'ms':<12}{'p50':>9}{'p90':>9}{'p99':>9}"]
    lines += [
        f"{name:<12}{t['p50_ms']:>9.3f}{t['p90_ms']:>9.3f}{t['p99_ms']:>9.3f}"
        for name, t in rows.items()
    ]
    if gpu := measured.get("device"):
        engine, eager = gpu["engine"]["p50_ms"], gpu["closed_loop_no_graph"]["p50_ms"]
        lines.append(f"GPU: engine alone {engine:.3f} ms, end to end without graph {eager:.3f} ms")
        if gpu["gpu"]["steady"] is not True:
            lines.append("the GPU's clock moved, throttled or cannot be read: do not trust this")
    streams = measured["conditions"]["streams"]
    lines.append(
        f"throughput {measured['throughput_fps']:g} frames/s ({streams} streams), "
        f"peak memory {measured['peak_rss_mib']:g} MiB"
    )
    return "\n".join(lines)
