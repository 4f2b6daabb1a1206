"""Write what a benchmark measured, with the machine it was measured on.

Every script here is run as `python -m benchmarks.NAME`, compares with a peer in the same run, and
ends with `record(NAME, …)`: results/NAME.json.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from edgecv.files import write_json

RESULTS = Path(__file__).resolve().parent / "results"


def interleaved(
    contenders: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    calls: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Time contenders in turns, so that a busy minute hits all of them alike.

    Args:
        contenders: Name -> what to call.
        rounds: Times each contender has its turn, after one round that is not counted.
        calls: Calls per turn.
        clock: `time.perf_counter`, or `time.process_time` for CPU time of this process.

    Returns:
        Name -> seconds per call, one value a round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, contender in contenders.items():
            start = clock()
            for _ in range(calls):
                contender()
            if turn:
                seconds[name].append((clock() - start) / calls)
    return seconds


def summary_ms(seconds: Sequence[float]) -> dict[str, float]:
    """Median, p10 and p90 of seconds, in milliseconds."""
    ordered = sorted(value * 1e3 for value in seconds)
    at = [ordered[round(share * (len(ordered) - 1))] for share in (0.1, 0.9)]
    return {
        "p10_ms": round(at[0], 4),
        "median_ms": round(statistics.median(ordered), 4),
        "p90_ms": round(at[1], 4),
    }


def machine(packages: Sequence[str] = ()) -> dict[str, Any]:
    """Facts that a number means nothing without: CPU, cores, load, memory, versions."""
    return {
        "cpu": _first("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "memory": _first("/proc/meminfo", "MemTotal"),
        "load_1min": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: found for name in packages if (found := _version(name))},
        "threads_env": {k: v for k, v in os.environ.items() if k.endswith("_NUM_THREADS")},
    }


def record(
    name: str, result: Mapping[str, Any], *, packages: Sequence[str] = (), holds: bool | None = None
) -> Path:
    """Write results/`name`.json and print one line.

    Args:
        name: The benchmark.
        result: What was measured; ratios and the limits they are held to.
        packages: Distributions whose versions matter.
        holds: Whether every limit held.
    """
    path = write_json(
        RESULTS / f"{name}.json",
        {
            "benchmark": name,
            "holds": holds,
            **result,
            "machine": machine(packages),
            "commit": _commit(),
            "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        },
    )
    state = {True: "holds", False: "DOES NOT HOLD", None: "recorded"}[holds]
    print(f"{name}: {state}  {path}")
    return path


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _first(path: str, key: str) -> str:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def _commit() -> str:
    """Short hash, with `+` if the tree has changes."""
    folder = str(Path(__file__).resolve().parent)
    git = ["git", "-C", folder]
    try:
        head = subprocess.run(
            [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        )
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--", "../edgecv"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
