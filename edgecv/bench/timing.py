"""Timing loops. Times are wall time of one process; percentiles are over frames."""

from __future__ import annotations

import threading
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import UsageError
from edgecv.images import decode_image
from edgecv.progress import track
from edgecv.recipe import Bench
from edgecv.runtime.model import Model

Array = npt.NDArray[Any]
STAGES = ("decode", "pre", "engine", "post", "draw")


def stage_times(model: Model, frame: Array, options: Bench) -> dict[str, Any]:
    """Percentiles of every stage and of the whole, one frame at a time.

    Args:
        model: The loaded bundle.
        frame: (H, W, 3) uint8 BGR.
        options: `warmup` frames are not counted, `frames` are.

    Returns:
        {"stages": {stage: percentiles}, "end_to_end": percentiles}, see `percentiles`.
    """
    encoded = _jpeg(frame)
    rows = []
    for index in track(range(options.warmup + options.frames), "bench"):
        row = _frame(model, encoded)
        if index >= options.warmup:
            rows.append(row)
    table = np.array(rows)
    stages = {name: percentiles(table[:, i]) for i, name in enumerate(STAGES)}
    return {"stages": stages, "end_to_end": percentiles(table[:, -1])}


def percentiles(milliseconds: Array) -> dict[str, float]:
    """{"p50_ms", "p90_ms", "p99_ms"} of (N,) milliseconds, linear between ranks."""
    values = np.percentile(milliseconds, (50, 90, 99))
    return {f"p{p}_ms": round(float(v), 4) for p, v in zip((50, 90, 99), values, strict=True)}


def throughput(model: Model, frame: Array, options: Bench) -> float:
    """Frames a second of `options.streams` threads that share `model`.

    Every thread runs its share of `options.frames`, at least one, after one that is not counted.

    Raises:
        UsageError: nothing was measured because a thread failed; the failure is its cause.
    """
    share = max(1, options.frames // options.streams)
    ready = threading.Barrier(options.streams + 1)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            model(frame)
            ready.wait()
            for _ in range(share):
                model(frame)
        except BaseException as err:
            failures.append(err)
            ready.abort()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(options.streams)]
    for thread in threads:
        thread.start()
    try:
        ready.wait()
    except threading.BrokenBarrierError:
        raise UsageError("bench: a stream failed", streams=options.streams) from failures[0]
    began = perf_counter()
    for thread in threads:
        thread.join()
    seconds = perf_counter() - began
    if failures:
        raise UsageError("bench: a stream failed", streams=options.streams) from failures[0]
    return round(share * options.streams / seconds, 2)


def _frame(model: Model, encoded: bytes) -> tuple[float, ...]:
    """Milliseconds of decode, pre, engine, post, draw, and end to end."""
    began = perf_counter()
    frame = decode_image(encoded, "bench frame")
    decoded = perf_counter()
    result, times = model.timed(frame)
    found = perf_counter()
    result.draw(frame)
    drawn = perf_counter()
    decode, whole, draw = ((b - a) * 1e3 for a, b in pairwise((began, decoded, found, drawn)))
    return decode, times["pre_ms"], times["engine_ms"], times["post_ms"], draw, whole


def _jpeg(frame: Array) -> bytes:
    import cv2

    encoded: bytes = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    return encoded
