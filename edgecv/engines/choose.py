"""`--backend auto`: the fastest backend here, by a short measurement that is remembered."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgecv import engines
from edgecv.engines.versions import backend_version
from edgecv.errors import EdgecvError, FileError, IoFailed, MissingPackage, UnsupportedModel
from edgecv.files import read_json, sha256_file, sha256_json, write_json
from edgecv.progress import note

CPU_BACKENDS = ("openvino", "onnxruntime")  # on a tie the first wins
_WARMUP, _RUNS, _BUDGET_S = 3, 15, 1.0
_TIE = 0.95  # another backend must need less than this share of the time to be preferred


def choose_backend(model: Path, precision: str, *, rest: str = "fp32") -> str:
    """The backend that runs a typed ONNX file fastest on this machine.

    With a CUDA device: tensorrt, or tensorrt-rtx where only that is installed. Else each CPU
    backend runs the model a few times (at most about a second each), and the choice is kept in
    the user's cache folder, keyed by CPU, library versions, model and precision. What was chosen,
    and why, is said on stderr.

    Args:
        model: The typed ONNX file.
        precision: What it is to be run in.
        rest: For int8 and mixed: precision of what is not int8.

    Raises:
        MissingPackage: no backend is installed.
        UnsupportedModel: none of those installed can run the graph.
    """
    here = engines.available()
    gpu = next((name for name in ("tensorrt", "tensorrt-rtx") if name in here), None)
    if gpu and _has_gpu():
        note(f"backend auto: {gpu} (a CUDA device is here)")
        return gpu
    cpu = [name for name in CPU_BACKENDS if name in here]
    if not cpu:
        raise MissingPackage("openvino or onnxruntime", "cpu", needed_for="building for the CPU")
    if len(cpu) == 1:
        note(f"backend auto: {cpu[0]} (the only one installed here)")
        return cpu[0]
    key = _key(model, precision, rest, cpu)
    times = _remembered(key)
    how = "measured before"
    if times is None:
        times, how = _measure(model, precision, rest, cpu), "measured now"
        _remember(key, times)
    best = _fastest(times, cpu)
    told = ", ".join(f"{name} {times[name]:.2f} ms" for name in cpu if name in times)
    note(f"backend auto: {best} ({how}: {told})")
    return best


def cache_folder() -> Path:
    """The user's cache folder of edgecv: XDG_CACHE_HOME/edgecv, else ~/.cache/edgecv."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "edgecv"


def cpu_name() -> str:
    """The CPU's model name, as the kernel reports it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _has_gpu() -> bool:
    from edgecv.cuda.driver import device_count

    return device_count() > 0


def _fastest(times: dict[str, float], order: list[str]) -> str:
    measured = [name for name in order if name in times]
    best = measured[0]
    for name in measured[1:]:
        if times[name] < _TIE * times[best]:
            best = name
    return best


def _measure(model: Path, precision: str, rest: str, backends: list[str]) -> dict[str, float]:
    """Backend -> milliseconds; a backend that cannot run the graph is left out, and said.

    One engine at a time, each closed before the next is loaded: ONNX Runtime's threads spin for a
    while after a call, and on two cores that made OpenVINO seem 19 times slower than it is.
    """
    times: dict[str, float] = {}
    problems: list[EdgecvError] = []
    for name in backends:
        try:
            engine = engines.load_engine(name, model, precision=precision, rest=rest)
        except (UnsupportedModel, MissingPackage, FileError) as err:
            problems.append(err)
            note(f"backend auto: {name} is out: {err.what}")
            continue
        times[name] = _fastest_ms(engine)
        engine.close()
    if not times:
        raise problems[0]
    return times


def _fastest_ms(engine: engines.Engine) -> float:
    """The fastest of several runs: whatever else this machine does only makes runs slower."""
    rng = np.random.default_rng(0)
    arrays = {
        name: rng.standard_normal(array.shape).astype(array.dtype)
        for name, array in engines.zeros(engine.inputs).items()
    }
    best, end = float("inf"), time.perf_counter() + _BUDGET_S
    for turn in range(_WARMUP + _RUNS):
        if turn > _WARMUP and time.perf_counter() > end:
            break
        start = time.perf_counter()
        engine.execute(arrays)
        best = min(best, (time.perf_counter() - start) * 1e3)
    return best


def _key(model: Path, precision: str, rest: str, backends: list[str]) -> str:
    facts: dict[str, Any] = {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "versions": {name: backend_version(name) for name in backends},
        "model": sha256_file(model),
        "precision": precision,
        "rest": rest,
    }
    return sha256_json(facts)


def _table() -> dict[str, Any]:
    try:
        table = read_json(cache_folder() / "backends.json", "backend cache")
    except (FileError, IoFailed):
        return {}  # never written, or broken: it only saves a measurement
    return table if isinstance(table, dict) else {}


def _remembered(key: str) -> dict[str, float] | None:
    times = _table().get(key)
    if not isinstance(times, dict) or not times:
        return None
    known = all(name in CPU_BACKENDS and isinstance(ms, float) for name, ms in times.items())
    return dict(times) if known else None


def _remember(key: str, times: dict[str, float]) -> None:
    try:
        write_json(cache_folder() / "backends.json", {**_table(), key: times})
    except IoFailed as err:
        note(f"backend auto: the measurement is not remembered: {err.facts.get('reason', err)}")
