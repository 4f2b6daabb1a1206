"""The golden sample: one input, what it must give, and the self-test that holds an engine to it.

Two references. `expected` are ONNX Runtime's outputs on the typed graph: any engine on any machine
must come within the manifest's tolerance. `built` are the engine's own outputs when it was built:
the same engine on the same kind of machine gives them again to the last bits (measured: bit-equal
over thread and stream counts), so there even one flipped weight bit shows.
"""

from __future__ import annotations

import os
import platform
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgecv.bundle import Bundle
from edgecv.engines.contract import Array, Arrays, Engine
from edgecv.errors import FileError, GateFailed
from edgecv.files import whole_file

GOLDEN = "golden.npz"
SAME_MACHINE = 1e-6  # relative; what the same engine may differ from itself
_PARTS = ("input", "expected", "built")


@dataclass(frozen=True)
class Golden:
    """One sample.

    Attributes:
        inputs: Input name -> array.
        expected: Output name -> ONNX Runtime's output on the typed graph.
        built: Output name -> the engine's own output; empty if it could not run where it was built.
    """

    inputs: dict[str, Array]
    expected: dict[str, Array]
    built: dict[str, Array] = field(default_factory=dict)


def write_golden(path: Path, golden: Golden) -> Path:
    """Write a sample as `.npz`, whole or not at all."""
    parts = (golden.inputs, golden.expected, golden.built)
    arrays: dict[str, Any] = {
        f"{part}.{name}": array
        for part, named in zip(_PARTS, parts, strict=True)
        for name, array in named.items()
    }
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    return path


def read_golden(path: Path) -> Golden:
    """Read a sample.

    Raises:
        FileError: the file is missing, broken, or no golden sample.
    """
    named: dict[str, dict[str, Array]] = {part: {} for part in _PARTS}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for key in arrays.files:
                part, _, name = key.partition(".")
                named[part][name] = arrays[key]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as err:
        raise FileError("golden sample cannot be read", file=path, reason=err) from err
    if not named["input"] or not named["expected"]:
        raise FileError("golden sample lacks its input or its outputs", file=path)
    return Golden(named["input"], named["expected"], named["built"])


def differences(got: Arrays, want: Arrays) -> dict[str, float]:
    """Output name -> largest |difference|, relative to the largest |wanted| value.

    `want` are the reference's arrays, `got` the engine's, each of any shape and dtype. A missing
    output, another shape, or a value that is not finite on one side only is infinite.
    """
    return {name: _difference(got.get(name), array) for name, array in want.items()}


def self_test(engine: Engine, bundle: Bundle) -> dict[str, Any]:
    """Run the golden sample and hold the outputs to both references.

    Args:
        engine: The bundle's engine, loaded.
        bundle: The bundle.

    Returns:
        {"passed": True, "tolerance", "differences", "same_machine": {"tolerance", "differences"} or
        None where the engine was built on another machine or by another version}.

    Raises:
        FileError: the bundle's golden sample cannot be read.
        GateFailed: an output differs by more than its tolerance; the facts say which, how much.
    """
    golden = read_golden(bundle.path(GOLDEN))
    got = engine.execute(golden.inputs)
    manifest = bundle.manifest
    report: dict[str, Any] = {"passed": True, "same_machine": None}
    report["tolerance"] = manifest.tolerance
    report["differences"] = _hold(bundle, got, golden.expected, manifest.tolerance, "the graph's")
    if golden.built and machine(manifest.backend).items() <= manifest.host.items():
        own = _hold(bundle, got, golden.built, SAME_MACHINE, "its own, when it was built here,")
        report["same_machine"] = {"tolerance": SAME_MACHINE, "differences": own}
    return report


def machine(backend: str) -> dict[str, str]:
    """What an engine's last bits depend on: the processor and the library that computes."""
    from edgecv.engines.choose import cpu_name
    from edgecv.engines.versions import backend_version

    facts = {"cpu": cpu_name(), "cores": str(os.cpu_count() or 0), "system": platform.system()}
    facts["library"] = f"{backend} {backend_version(backend)}"
    return facts


def _hold(
    bundle: Bundle, got: Arrays, want: Mapping[str, Array], tolerance: float, whose: str
) -> dict[str, float]:
    found = differences(got, want)
    worst = max(found, key=lambda name: found[name])
    if found[worst] > tolerance:
        raise GateFailed(
            f"self-test failed: the engine's output is not {whose} output for the golden sample",
            bundle=bundle.folder,
            output=worst,
            largest_relative_difference=f"{found[worst]:.3g}",
            tolerance=f"{tolerance:.3g}",
            fix=f"edgecv build {bundle.folder} --force",
        )
    return found


def _difference(got: Array | None, want: Array) -> float:
    if got is None or got.shape != want.shape:
        return float("inf")
    with np.errstate(invalid="ignore", over="ignore"):
        delta = np.asarray(np.abs(got.astype(np.float64) - want.astype(np.float64)))
    delta[(got == want) | (np.isnan(got) & np.isnan(want))] = 0.0  # equal infinities are equal
    largest = float(np.max(np.abs(want[np.isfinite(want)]), initial=0.0)) or 1.0
    return float(np.nan_to_num(delta, nan=np.inf, posinf=np.inf).max(initial=0.0)) / largest
