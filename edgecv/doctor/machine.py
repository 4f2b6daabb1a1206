"""The machine itself: Python, system, processor, memory, disk."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

from edgecv.engines.choose import cpu_name

# /proc/cpuinfo flag -> what int8 and low-precision code calls it
_FEATURES = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX-VNNI",
    "avx512_bf16": "AVX-512 bf16",
    "avx512_fp16": "AVX-512 fp16",
    "amx_int8": "AMX int8",
    "amx_bf16": "AMX bf16",
    "asimd": "NEON",
    "asimddp": "NEON dot product",
    "i8mm": "NEON i8mm",
    "bf16": "NEON bf16",
    "asimdhp": "NEON fp16",
}


def this_machine() -> dict[str, Any]:
    """`python`, `executable`, `system`, `cpu`, `cores`, `features`, `memory_mib`, `disk_mib`."""
    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": cpu_name(),
        "cores": os.cpu_count() or 0,
        "features": cpu_features(Path("/proc/cpuinfo")),
        "memory_mib": memory(Path("/proc/meminfo")),
        "disk_mib": shutil.disk_usage(Path.cwd()).free >> 20,
    }


def cpu_features(cpuinfo: Path) -> list[str]:
    """Vector features that decide how fast int8 and bf16 run; empty where they are not told."""
    flags: set[str] = set()
    for line in _lines(cpuinfo):
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            flags.update(value.split())
    return [name for flag, name in _FEATURES.items() if flag in flags]


def memory(meminfo: Path) -> dict[str, int]:
    """Total and available memory in MiB; empty where it is not told."""
    rows = dict(line.split(":", 1) for line in _lines(meminfo) if ":" in line)
    wanted = {"total": "MemTotal", "available": "MemAvailable"}
    return {name: int(rows[key].split()[0]) >> 10 for name, key in wanted.items() if key in rows}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
