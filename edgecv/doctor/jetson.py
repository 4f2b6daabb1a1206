"""Jetson: L4T release, the JetPack it belongs to, and the power mode."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

_RELEASE = Path("/etc/nv_tegra_release")
_MODEL = Path("/proc/device-tree/model")


class JetPack(NamedTuple):
    """What an L4T release came with (read from NVIDIA's and users' reports, not measured here)."""

    l4t: str
    jetpack: str
    tensorrt: str
    cuda: str
    python: str


JETPACKS = (  # the first whose l4t is a prefix
    JetPack("32.6", "4.6", "8.0", "10.2", "3.6"),
    JetPack("32.7", "4.6.x", "8.2", "10.2", "3.6"),
    JetPack("35.", "5.1.x", "8.5", "11.4", "3.8"),
    JetPack("36.2", "6.0", "8.6", "12.2", "3.10"),
    JetPack("36.3", "6.0", "8.6", "12.2", "3.10"),
    JetPack("36.4", "6.1/6.2", "10.3", "12.6", "3.10"),
    JetPack("38.2", "7.0", "10.13", "13.0", "3.12"),
    JetPack("38.4", "7.1", "10.13", "13.0", "3.12"),
    JetPack("39.2", "7.2", "10.16", "13.2", "3.12"),
)


def jetson_facts(release: Path = _RELEASE) -> dict[str, Any]:
    """`model`, `l4t`, `jetpack`, `tensorrt`, `cuda`, `power_mode`; empty on other machines."""
    l4t = l4t_version(release)
    if not l4t:
        return {}
    known = next((row for row in JETPACKS if l4t.startswith(row.l4t)), None)
    return {
        "model": _text(_MODEL).strip("\0 \n"),
        "l4t": l4t,
        "jetpack": known.jetpack if known else "unknown",
        "tensorrt": known.tensorrt if known else "unknown",
        "cuda": known.cuda if known else "unknown",
        "power_mode": _power_mode(),
    }


def l4t_version(release: Path) -> str:
    """`36.4.3` from `# R36 (release), REVISION: 4.3, ...`; empty where the file is not there."""
    found = re.search(r"R(\d+) \(release\), REVISION: ([\d.]+)", _text(release))
    return f"{found.group(1)}.{found.group(2)}" if found else ""


def _power_mode() -> str:
    tool = shutil.which("nvpmodel")
    if tool is None:
        return "unknown (nvpmodel not found)"
    try:
        done = subprocess.run([tool, "-q"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as err:
        return f"unknown ({err})"
    found = re.search(r"NV Power Mode: (.+)", done.stdout)
    return found.group(1).strip() if found else "unknown (nvpmodel may need root)"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
