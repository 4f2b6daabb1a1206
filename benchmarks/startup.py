"""Start-up: CPU time of `edgecv --help` and of `import edgecv`, beside Ultralytics' `yolo version`.

    python -m benchmarks.startup [--yolo PATH] [--rounds N]

Each call is a fresh process with warm file caches; user + system time of that process, the
median of rounds taken in turns. Limits: `edgecv --help` <= 0.15 x `yolo version`; `import edgecv`
<= 60 ms above `import numpy`. The peer is any `yolo` on PATH or --yolo, e.g. from
`pip install --no-deps ultralytics` in an environment that sees the same torch.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.record import record

LIMIT_HELP = 0.15
LIMIT_IMPORT_MS = 60.0
ROOT = Path(__file__).resolve().parents[1]


def cpu_seconds(command: Sequence[str]) -> float:
    """User + system seconds of one run of a command.

    Raises:
        CalledProcessError: it failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def in_turns(commands: dict[str, Sequence[str]], rounds: int) -> dict[str, list[float]]:
    """Seconds per command, one value a round, after one round that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            taken = cpu_seconds(command)
            if turn:
                seconds[name].append(taken)
    return seconds


def main() -> int:
    """Measure and record; exit code 1 if a limit does not hold, 3 without the peer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--yolo", default=shutil.which("yolo") or "", help="the peer's command")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    python = sys.executable
    commands: dict[str, Sequence[str]] = {
        "edgecv --help": [python, "-m", "edgecv", "--help"],
        "import numpy": [python, "-c", "import numpy"],
        "import numpy, edgecv": [python, "-c", "import numpy, edgecv"],
    }
    if arguments.yolo:
        commands["yolo version"] = [arguments.yolo, "version"]
    seconds = in_turns(commands, arguments.rounds)
    median_ms = {name: statistics.median(values) * 1e3 for name, values in seconds.items()}
    above = median_ms["import numpy, edgecv"] - median_ms["import numpy"]
    peer = median_ms.get("yolo version")
    ratio = median_ms["edgecv --help"] / peer if peer else None
    holds = above <= LIMIT_IMPORT_MS and (ratio is None or ratio <= LIMIT_HELP)
    record(
        "startup",
        {
            "cpu_ms": {name: round(value, 1) for name, value in median_ms.items()},
            "rounds": arguments.rounds,
            "help_over_yolo": {"ratio": ratio and round(ratio, 4), "limit": LIMIT_HELP},
            "import_above_numpy_ms": {"value": round(above, 1), "limit": LIMIT_IMPORT_MS},
            "peer": peer_version(arguments.yolo),
        },
        packages=("typer", "rich", "pydantic", "numpy", "torch"),
        holds=holds if peer else None,
    )
    if not peer:
        print("no `yolo` here, so the ratio was not measured: --yolo PATH", file=sys.stderr)
        return 3
    return 0 if holds else 1


def peer_version(command: str) -> str:
    """What `yolo version` prints; empty without the peer."""
    if not command:
        return ""
    done = subprocess.run([command, "version"], capture_output=True, text=True)
    return f"ultralytics {done.stdout.strip().splitlines()[-1]}" if done.stdout.strip() else ""


if __name__ == "__main__":
    sys.exit(main())
