"""What a latency means nothing without: the machine, its state, and the versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from edgecv._version import __version__
from edgecv.bundle import Manifest
from edgecv.recipe import Bench

_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_POWER_MODE = Path("/var/lib/nvpmodel/status")  # Jetson, "pmode:0002 fmode:fanNull"
_THERMAL = Path("/sys/class/thermal")
_PACKAGES = ("numpy", "opencv-python-headless", "opencv-python", "numba")


def conditions(manifest: Manifest, options: Bench) -> dict[str, Any]:
    """Facts about this machine and this measurement; what cannot be read is null."""
    return {
        "cpu": cpu_model(),
        "cores": core_count(),
        "governor": _text(_GOVERNOR),
        "power_mode": _text(_POWER_MODE),
        "temperature_c": temperature_c(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "edgecv": __version__,
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "backend": f"{manifest.backend} {manifest.backend_version}",
        "precision_asked": manifest.precision.asked,
        "precision_achieved": manifest.precision.achieved,
        "batch": 1,
        **{name: getattr(options, name) for name in ("frames", "warmup", "streams", "threads")},
        "source_size": list(options.source_size),
        "end_to_end_is": "decoded frame in memory to results: pre + engine + post",
    }


def load_average() -> float | None:
    """Load average over one minute; None where the system has none."""
    try:
        return round(os.getloadavg()[0], 2)
    except (OSError, AttributeError):
        return None


def cpu_model() -> str:
    """The processor's name; on ARM boards the board's."""
    text = _text(Path("/proc/cpuinfo")) or ""
    for line in text.splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    board = _text(Path("/proc/device-tree/model"))
    return (board or platform.processor() or platform.machine()).strip("\0 ")


def core_count() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def temperature_c(folder: Path = _THERMAL) -> float | None:
    """The hottest thermal zone in degrees Celsius; None where none can be read."""
    texts = [_text(zone) for zone in sorted(folder.glob("thermal_zone*/temp"))]
    degrees = [int(text) / 1000 for text in texts if text and text.lstrip("-").isdecimal()]
    return round(max(degrees), 1) if degrees else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip() or None
    except OSError:
        return None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
