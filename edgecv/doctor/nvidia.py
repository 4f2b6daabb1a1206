"""NVIDIA: driver, devices, CUDA libraries, TensorRT flavours; asked, never assumed."""

from __future__ import annotations

import ctypes
import importlib.util
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from edgecv.cuda.driver import cuda_version, devices, load_driver
from edgecv.cuda.nvrtc import find_nvrtc, installed
from edgecv.errors import MachineError

_PROC = Path("/proc/driver/nvidia/version")
_LIBRARIES = {  # what for -> names to try, newest first
    "cudart": ("libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0", "libcudart.so"),
    "nvinfer": ("libnvinfer.so.11", "libnvinfer.so.10", "libnvinfer.so.8", "libnvinfer.so"),
}
_FLAVOURS = {  # Python module -> packages that carry it
    "tensorrt": ("tensorrt", "tensorrt-cu13", "tensorrt-cu12"),
    "tensorrt_lean": ("tensorrt-lean", "tensorrt_lean"),
    "tensorrt_dispatch": ("tensorrt-dispatch", "tensorrt_dispatch"),
    "tensorrt_rtx": ("tensorrt-rtx", "tensorrt_rtx"),
}


def nvidia_facts() -> dict[str, Any]:
    """`driver`, `cuda`, `devices`, `nvidia_smi`, `libraries`, `compiler`, `tensorrt`.

    `driver` is the kernel module's version, `cuda` the newest CUDA the driver library speaks;
    both are empty without a driver. `compiler` says why the kernels cannot be compiled for the
    devices here; empty if they can, or if there is none.
    """
    return {
        "driver": driver_version(_PROC),
        "cuda": _cuda_version(),
        "devices": [{"name": d.name, "capability": d.capability} for d in devices()],
        "nvidia_smi": _nvidia_smi(),
        "libraries": {"nvrtc": _nvrtc(), **{name: _library(name) for name in _LIBRARIES}},
        "compiler": _compiler_lacks(),
        "tensorrt": _flavours(),
    }


def driver_version(proc: Path) -> str:
    """Version of the kernel module, from /proc/driver/nvidia/version; empty without one."""
    try:
        text = proc.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = re.search(r"Kernel Module\S*(?:\s+for \S+)?\s+(\d+[\d.]*)", text)
    return found.group(1) if found else "unknown"


def _cuda_version() -> str:
    library = load_driver()
    number = ctypes.c_int(0)
    if library is None or library.cuDriverGetVersion(ctypes.byref(number)) != 0:
        return ""
    return f"{number.value // 1000}.{number.value % 1000 // 10}"


def _nvidia_smi() -> list[str]:
    """One line a GPU (name, driver, memory); empty where the tool is not there or fails."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    query = "--query-gpu=name,driver_version,memory.total"
    try:
        done = subprocess.run(
            [tool, query, "--format=csv,noheader"], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.strip().splitlines() if done.returncode == 0 else []


def _nvrtc() -> str:
    """The NVRTC that kernels would be compiled with: its CUDA version and place; empty if none."""
    found = installed()
    return f"{found[0].version[0]}.{found[0].version[1]} ({found[0].path})" if found else ""


def _compiler_lacks() -> str:
    for device in devices():
        try:
            find_nvrtc(device.capability, cuda_version()[0])
        except MachineError as err:
            return str(err)
    return ""


def _library(kind: str) -> str:
    """Name or path of a library that loads; empty if none does."""
    for name in (*_LIBRARIES[kind], *_in_wheels(_LIBRARIES[kind])):
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return name
    return ""


def _in_wheels(names: tuple[str, ...]) -> list[str]:
    """The same libraries inside NVIDIA's pip wheels (site-packages/nvidia/<part>/lib)."""
    spec = importlib.util.find_spec("nvidia")
    roots = spec.submodule_search_locations or [] if spec else []
    folders = [folder for root in roots for folder in sorted(Path(root).glob("*/lib"))]
    return [str(folder / name) for folder in folders for name in names]


def _flavours() -> dict[str, str]:
    """Module -> version of each TensorRT flavour installed."""
    return {
        module: _version(names)
        for module, names in _FLAVOURS.items()
        if importlib.util.find_spec(module) is not None
    }


def _version(names: tuple[str, ...]) -> str:
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "present"
