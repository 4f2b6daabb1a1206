"""The GPU's clocks, power and throttling, read and never set; what cannot be read is left out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

_QUERIES = {  # our name -> nvidia-smi's, older name where it changed
    "name": "name",
    "driver": "driver_version",
    "sm_mhz": "clocks.sm",
    "memory_mhz": "clocks.mem",
    "power_w": "power.draw",
    "temperature_c": "temperature.gpu",
    "performance_state": "pstate",
    "throttled_by": "clocks_throttle_reasons.active",
}
_DEVFREQ = Path("/sys/class/devfreq")  # Jetson's GPU: 17000000.gpu, 57000000.gpu, ...
_TIMEOUT_S = 10.0
DRIFT = 0.03  # of the SM clock between two readings: more, and a figure is not to be trusted


def gpu_state() -> dict[str, Any]:
    """What the first GPU says of itself now; empty where nothing can be read."""
    return _jetson() or _smi()


def steady(before: dict[str, Any], after: dict[str, Any]) -> bool | None:
    """Whether the SM clock stayed within 3 % and nothing throttled; None if it was not read."""
    first, last = before.get("sm_mhz"), after.get("sm_mhz")
    if not (isinstance(first, float) and isinstance(last, float) and max(first, last) > 0):
        return None
    if after.get("throttled_by") not in (None, *_UNTHROTTLED):
        return False
    return abs(last - first) <= DRIFT * max(first, last)


_UNTHROTTLED = ("0x0000000000000000", "0x0000000000000001")  # nothing; idle


def _smi() -> dict[str, Any]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return {}
    asked = f"--query-gpu={','.join(_QUERIES.values())}"
    try:
        done = subprocess.run(
            [program, asked, "--format=csv,noheader,nounits", "--id=0"],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    values = [value.strip() for value in done.stdout.strip().split(",")]
    if len(values) != len(_QUERIES):
        return {}
    return {name: _number(value) for name, value in zip(_QUERIES, values, strict=True)}


def _jetson(folder: Path = _DEVFREQ) -> dict[str, Any]:
    for gpu in sorted(folder.glob("*gpu*")) + sorted(folder.glob("*.g*10b")):
        try:
            hertz = {
                name: int((gpu / f"{name}_freq").read_text()) for name in ("cur", "min", "max")
            }
        except (OSError, ValueError):
            continue
        state: dict[str, Any] = {"name": gpu.name, "sm_mhz": hertz["cur"] / 1e6}
        # locked (jetson_clocks) or following the load: then a pause between frames slows them
        state["locked"] = hertz["min"] == hertz["max"]
        return state
    return {}


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
