"""Where the device reads a frame: from a copy of its own, or from the host's memory in place.

Only a GPU that shares the system's memory has the choice, and in place is not always faster there:
mapped memory may bypass the GPU's caches, and letterbox reads a source pixel several times. So it
is measured once per device, with the real kernel on a 1080p frame, and remembered.
"""

from __future__ import annotations

import os
import re
import statistics
from pathlib import Path

import numpy as np

from edgecv.cuda.driver import devices
from edgecv.cuda.memory import DeviceArray
from edgecv.cuda.session import Session
from edgecv.engines.choose import cache_folder
from edgecv.errors import FileError, IoFailed
from edgecv.files import read_json, write_json
from edgecv.ops.letterbox import Target, fit
from edgecv.ops.letterbox.cuda import BLOCK_WORDS, LetterboxPlan
from edgecv.progress import note

PLACE = "EDGECV_FRAMES"  # `copied` or `in-place` instead of measuring
FRAME, INPUT = (1080, 1920), (640, 640)  # of the measurement, height and width
RUNS = 15
_GAIN = 0.95  # in place must need less than this share of the time to be chosen


def read_in_place(session: Session) -> bool:
    """Whether kernels read frames from the host's memory; call inside `session.current()`."""
    if not session.integrated:
        return False
    asked = os.environ.get(PLACE)
    if asked in ("copied", "in-place"):
        return asked == "in-place"
    file = _file(session)
    times = _remembered(file)
    if times is None:
        times = measure(session)
        try:
            write_json(file, times)
        except IoFailed as err:
            note(f"the measurement was not kept: {err.what}")
    return times["in_place_ms"] < _GAIN * times["copied_ms"]


def measure(session: Session) -> dict[str, float]:
    """Milliseconds from a pinned frame to the network's input, {"copied_ms", "in_place_ms"}."""
    plan = LetterboxPlan(session, size=INPUT, target=Target(), max_frame=FRAME)
    block = plan.parameters(FRAME, fit(FRAME, INPUT))
    out = session.empty((1, 3, *INPUT), "float32")
    blocks = session.upload(np.ascontiguousarray(block.reshape(1, BLOCK_WORDS)))
    nbytes = FRAME[0] * FRAME[1] * 3
    own = session.empty((1, nbytes), "uint8")
    pinned, mapped = session.pinned((1, nbytes), "uint8"), session.mapped((1, nbytes), "uint8")
    stream, first, last = session.stream(), session.event(), session.event()

    def once(frames: DeviceArray, *, copied: bool) -> float:
        first.record(stream)
        if copied:
            frames.upload(pinned, stream)
        plan.enqueue(stream, frames, blocks, out)
        last.record(stream)
        last.synchronize()
        return last.ms_since(first)

    copied, in_place = [], []
    for _ in range(RUNS + 1):  # in turns: a busy moment hits both; the first round is warm-up
        copied.append(once(own, copied=True))
        in_place.append(once(mapped.device, copied=False))
    for array in (own, blocks, out):
        array.free()
    session.unpin(pinned)
    session.unpin(mapped.host)
    plan.close()
    return {
        "copied_ms": statistics.median(copied[1:]),
        "in_place_ms": statistics.median(in_place[1:]),
    }


def _file(session: Session) -> Path:
    here = devices()
    name = here[session.ordinal].name if session.ordinal < len(here) else "gpu"
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name)
    return cache_folder() / f"frames-{session.capability}-{plain}.json"


def _remembered(file: Path) -> dict[str, float] | None:
    """What was measured before; None if that is not there or is not two numbers."""
    if not file.is_file():
        return None
    try:
        data = read_json(file, "frame placing")
    except FileError:
        return None
    names = ("copied_ms", "in_place_ms")
    fits = isinstance(data, dict) and all(isinstance(data.get(n), int | float) for n in names)
    return {name: float(data[name]) for name in names} if fits else None
