"""What this machine has, what it lacks, and whether a bundle will load here.

Device room: asks the system, the driver and package metadata; neither torch nor onnx is imported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgecv._version import __version__
from edgecv.doctor.bundle import bundle_here
from edgecv.doctor.bundles import bundles_here
from edgecv.doctor.jetson import jetson_facts
from edgecv.doctor.libraries import opencv_facts, runtimes
from edgecv.doctor.machine import this_machine
from edgecv.doctor.nvidia import nvidia_facts
from edgecv.doctor.packages import installed_packages
from edgecv.errors import EngineMismatch, GateFailed, MachineError

__all__ = ["as_text", "bundle_here", "bundles_here", "doctor", "require_healthy"]


def doctor(bundle: Path | None = None, runs: Path = Path("runs")) -> dict[str, Any]:
    """Look at this machine.

    Args:
        bundle: Also try to load this bundle and run its self-test.
        runs: Without a bundle: which of the bundles below this folder would load.

    Returns:
        `edgecv`, `machine`, `packages`, `runtimes`, `nvidia`, `jetson`, `opencv`, `backends`
        (name -> whether its engines execute here), `notes` (what to know, with the fix), and
        `bundle` if one was given, else `bundles` (see `bundles_here`).

    Raises:
        FileError: the bundle is missing, broken, or was changed.
    """
    report: dict[str, Any] = {
        "edgecv": __version__,
        "machine": this_machine(),
        "packages": installed_packages(),
        "runtimes": runtimes(),
        "nvidia": nvidia_facts(),
        "jetson": jetson_facts(),
        "opencv": opencv_facts(),
    }
    report["backends"] = _backends(report)
    report["notes"] = _notes(report)
    if bundle is not None:
        report["bundle"] = bundle_here(bundle)
    else:
        report["bundles"] = bundles_here(runs, report["backends"])
    return report


def require_healthy(report: dict[str, Any]) -> None:
    """Raise what stands in the way.

    Raises:
        EngineMismatch: the bundle does not load here.
        GateFailed: it loads, and its self-test fails.
        MachineError: no backend executes here.
    """
    tried = report.get("bundle")
    if tried and tried["problem"]:
        kind = GateFailed if tried["loads"] else EngineMismatch
        raise kind(tried["problem"], **tried["facts"], fix=tried["fix"])
    if not tried and not any(report["backends"].values()):
        raise MachineError("no backend can execute an engine here", fix="pip install 'edgecv[cpu]'")


def as_text(report: dict[str, Any]) -> str:
    """A report for people."""
    host, gpu, board = report["machine"], report["nvidia"], report["jetson"]
    memory = host["memory_mib"]
    rows = [
        ("edgecv", report["edgecv"]),
        ("python", f"{host['python']}  {host['executable']}"),
        ("system", host["system"]),
        ("cpu", f"{host['cpu']}, {host['cores']} cores"),
        ("", ", ".join(host["features"]) or "no vector features told"),
        ("memory", f"{memory.get('available', '?')} of {memory.get('total', '?')} MiB free"),
        ("disk", f"{host['disk_mib']} MiB free here"),
        ("driver", _driver(gpu)),
        *(("gpu", f"{d['name']} {d['capability']}") for d in gpu["devices"]),
        ("cuda", ", ".join(f"{k} {v or 'missing'}" for k, v in gpu["libraries"].items())),
        ("tensorrt", ", ".join(f"{k} {v}" for k, v in gpu["tensorrt"].items()) or "none"),
        *((name, _facts(row)) for name, row in report["runtimes"].items()),
        ("opencv", _facts(report["opencv"]) or "missing"),
        *((("jetson", _facts(board)),) if board else ()),
        ("executes", ", ".join(k for k, v in report["backends"].items() if v) or "nothing"),
    ]
    lines = [f"{name:<12}{value}" for name, value in rows]
    missing = [package for package in report["packages"] if not package["version"]]
    lines += ["missing packages:"] if missing else []
    lines += [f"  {p['name']:<24}{p['needed_for']:<40}{p['fix']}" for p in missing]
    lines += [f"note: {text}" for text in report["notes"]]
    lines += _table(report.get("bundles", []))
    return "\n".join([*lines, *_bundle_lines(report.get("bundle"))])


def _driver(gpu: dict[str, Any]) -> str:
    if not gpu["driver"] and not gpu["cuda"]:
        return "none (no NVIDIA driver)"
    return f"{gpu['driver'] or '?'}, CUDA up to {gpu['cuda'] or '?'}"


def _facts(row: dict[str, Any]) -> str:
    def show(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        return ", ".join(value) if isinstance(value, list) else str(value)

    return "; ".join(f"{name.replace('_', ' ')} {show(value)}" for name, value in row.items())


def _backends(report: dict[str, Any]) -> dict[str, bool]:
    """Which backends execute here: the package loads and, for TensorRT, a GPU is there."""
    runtime, gpu = report["runtimes"], report["nvidia"]
    flavours = gpu["tensorrt"]
    return {
        "tensorrt": bool(gpu["devices"]) and bool({"tensorrt", "tensorrt_lean"} & set(flavours)),
        "tensorrt-rtx": bool(gpu["devices"]) and "tensorrt_rtx" in flavours,
        "openvino": "devices" in runtime.get("openvino", {}),
        "onnxruntime": "devices" in runtime.get("onnxruntime", {}),
    }


def _notes(report: dict[str, Any]) -> list[str]:
    gpu, board, video = report["nvidia"], report["jetson"], report["opencv"]
    notes = []
    if "tensorrt_rtx" in gpu["tensorrt"] and not gpu["devices"]:
        notes.append("TensorRT-RTX builds engines here and cannot execute them: no GPU")
    if board and board["jetpack"].startswith(("4.", "5.")):
        notes.append(
            f"JetPack {board['jetpack']} has a Python too old for edgecv: "
            "export on a host and build there with trtexec"
        )
    elif board and not gpu["tensorrt"]:
        notes.append("JetPack's TensorRT is not visible: python -m venv --system-site-packages")
    if gpu["compiler"]:
        notes.append(gpu["compiler"])
    if video and not video.get("gstreamer"):
        notes.append("this OpenCV has no GStreamer: csi:// sources need the system's OpenCV")
    if video and not video.get("window"):
        notes.append("this OpenCV opens no window: --show needs opencv-python or the system's")
    return notes


def _table(bundles: list[dict[str, Any]]) -> list[str]:
    """One line a bundle: would it load here, and if not, why and what to type."""
    wide = max((len(row["bundle"]) for row in bundles), default=0)
    lines = ["bundles:"] if bundles else []
    for row in bundles:
        state = "would load" if row["would_load"] else f"would not load: {row['because']}"
        fix = f" (fix: {row['fix']})" if row["fix"] else ""
        lines.append(f"  {row['bundle']:<{wide}}  {state}{fix}")
    return lines


def _bundle_lines(tried: dict[str, Any] | None) -> list[str]:
    if tried is None:
        return []
    state = "loads here" if tried["loads"] else "does not load here"
    return [
        f"bundle      {tried['bundle']}: {state}; self-test {tried['self_test']}",
        f"            runs on {tried['runs_on']}",
    ]
