"""The three numbers of a GPU: the engine alone, one frame's latency, and pipelined throughput.

They are measured one after another on the same loaded model. Engine: GPU time by events, nothing
else on the device. Closed loop: wall time of one call, the next frame handed in when the result is
there; with and without the CUDA graph. Paced: the same, one frame every 33 ms, because clocks fall
between frames. Throughput: wall time of many frames, copies overlapped with computing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import numpy.typing as npt

from edgecv.bench.gpu_state import gpu_state, steady
from edgecv.bench.timing import percentiles
from edgecv.recipe import Bench
from edgecv.runtime.model import Model

if TYPE_CHECKING:
    from edgecv.runtime.device.model import DeviceModel

Array = npt.NDArray[Any]
PACE_S = 1 / 30
PACED_FRAMES = 60  # at most: two seconds


def on_device(model: Model) -> TypeGuard[DeviceModel]:
    """Whether a model's frames stay on the GPU."""
    return hasattr(model, "graphs")


def device_times(model: DeviceModel, frame: Array, options: Bench) -> dict[str, Any]:
    """The numbers of one bundle on this GPU.

    Args:
        model: The loaded bundle.
        frame: (H, W, 3) uint8 BGR.
        options: `warmup` and `frames` of each measurement.

    Returns:
        {"engine", "closed_loop", "closed_loop_no_graph", "paced_30fps": percentiles,
        "pipelined_fps", "gpu": {"before", "after", "steady"}}.
    """
    before = gpu_state()
    found: dict[str, Any] = {"engine": _engine(model, options)}
    found["closed_loop"] = closed_loop(model, frame, options)
    found["pipelined_fps"] = pipelined_fps(model, frame, options)
    paced = options.model_copy(update={"frames": min(options.frames, PACED_FRAMES)})
    found["paced_30fps"] = closed_loop(model, frame, paced, pace_s=PACE_S)
    model.graphs = False
    found["closed_loop_no_graph"] = closed_loop(model, frame, options)
    model.graphs = True
    after = gpu_state()
    return {**found, "gpu": {"before": before, "after": after, "steady": steady(before, after)}}


def closed_loop(
    model: DeviceModel, frame: Array, options: Bench, *, pace_s: float = 0.0
) -> dict[str, float]:
    """Percentiles of one call's wall time; with `pace_s`, a call begins that often."""
    spans: list[float] = []
    due = time.perf_counter()
    for index in range(options.warmup + options.frames):
        if pace_s:
            due += pace_s
            time.sleep(max(0.0, due - time.perf_counter()))
        began = time.perf_counter()
        model(frame)
        if index >= options.warmup:
            spans.append((time.perf_counter() - began) * 1e3)
    return percentiles(np.array(spans))


def pipelined_fps(model: DeviceModel, frame: Array, options: Bench) -> float:
    """Frames a second with the ring full, from the first counted result to the last."""
    frames: Iterator[Array] = repeat(frame, options.warmup + options.frames + 1)
    began = 0.0
    for index, _ in enumerate(model.stream(frames)):
        if index == options.warmup:
            began = time.perf_counter()
    return round(options.frames / (time.perf_counter() - began), 2)


def _engine(model: DeviceModel, options: Bench) -> dict[str, float]:
    spans = model.engine_ms(options.warmup + options.frames)
    return percentiles(np.array(spans[options.warmup :]))
