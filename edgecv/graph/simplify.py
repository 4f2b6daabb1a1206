"""Fold what is constant, drop what does nothing (onnxslim, onnxsim), and prove it harmless."""

from __future__ import annotations

import contextlib
import io
import logging
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

import onnx

from edgecv.errors import MissingPackage, UnsupportedModel
from edgecv.graph.parity import Reference, probes, worst
from edgecv.graph.read import true_inputs
from edgecv.graph.reason import reason
from edgecv.graph.stored import MAX_BYTES

Tool = Literal["onnxsim", "onnxslim", "none"]
LIMIT = 1e-4  # max |difference| / max |value|: folding reorders float sums, and no more


_TIMEOUT_S = 600.0  # the largest networks of those tried take 5 s
_ONNXSIM = """
import sys, onnx, onnxsim
model, _ = onnxsim.simplify(onnx.load(sys.argv[1]))
onnx.save(model, sys.argv[2])
"""


class Simplified(NamedTuple):
    """What came out.

    Attributes:
        model: The simplified model, or the one given where simplifying failed.
        tool: The tool whose work `model` is: `none` where it was not used.
        reason: Why the tool's work was not used; empty if it was, or if none was asked for.
    """

    model: onnx.ModelProto
    tool: Tool
    reason: str = ""


def simplify(model: onnx.ModelProto, tool: Tool = "onnxslim", *, verify: bool = True) -> Simplified:
    """Simplify a graph; keep it as it was, and say why, where the tool fails or changes outputs.

    Inputs and outputs keep their names, order and types. Parity is checked in ONNX Runtime on
    seeded random input.

    Args:
        model: A valid model, not changed.
        tool: Which simplifier; `none` returns the model as it is.
        verify: Whether parity is checked here; a caller that checks it itself says no.

    Raises:
        MissingPackage: the simplifier is not installed.
        UnsupportedModel: the graph given does not run in ONNX Runtime.
    """
    if tool == "none":
        return Simplified(model, "none")
    run = _onnxsim if tool == "onnxsim" else _onnxslim
    quiet = io.StringIO()
    try:
        with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            result = run(model)
    except MissingPackage:
        raise
    except Exception as err:  # any failure of the tool means: keep the graph
        return Simplified(model, "none", f"{tool} failed: {reason(err)}")
    harm = _other_ends(model, result) or (_other_outputs(model, result) if verify else "")
    return Simplified(model, "none", f"{tool}: {harm}") if harm else Simplified(result, tool)


def _onnxslim(model: onnx.ModelProto) -> onnx.ModelProto:
    try:
        import onnxslim
    except ImportError as err:
        raise MissingPackage("onnxslim", "export", needed_for="simplifying a graph") from err
    logging.getLogger("onnxslim").setLevel(logging.ERROR)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)  # onnxslim works in place
    return onnxslim.slim(copy)


def _onnxsim(model: onnx.ModelProto) -> onnx.ModelProto:
    """In a child process: onnxsim's C++ can end the process on a broken graph (SIGFPE seen)."""
    if find_spec("onnxsim") is None:
        raise MissingPackage("onnxsim", "export", needed_for="simplifying a graph")
    with tempfile.TemporaryDirectory(prefix="edgecv-") as folder:
        given, made = Path(folder, "in.onnx"), Path(folder, "out.onnx")
        given.write_bytes(model.SerializeToString())
        child = subprocess.run(
            [sys.executable, "-c", _ONNXSIM, str(given), str(made)],
            cwd=folder,  # `-c` imports from the current folder first
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        if child.returncode != 0:
            last = (child.stderr.strip().splitlines() or [""])[-1]
            raise RuntimeError(f"exit code {child.returncode} {last}".strip())
        return onnx.ModelProto.FromString(made.read_bytes())


def _other_ends(before: onnx.ModelProto, after: onnx.ModelProto) -> str:
    """Why a caller would notice another model: its inputs or outputs; empty if not."""
    if after is None or after.ByteSize() > MAX_BYTES:
        return "the result does not fit one ONNX file"
    if [_io(v) for v in true_inputs(after)] != [_io(v) for v in true_inputs(before)]:
        return "the result has other inputs"
    if [_io(v) for v in after.graph.output] != [_io(v) for v in before.graph.output]:
        return "the result has other outputs"
    try:
        onnx.checker.check_model(after)
    except (onnx.checker.ValidationError, UnicodeDecodeError) as err:
        return f"the result is not valid: {reason(err)}"
    return ""


def _other_outputs(before: onnx.ModelProto, after: onnx.ModelProto) -> str:
    """Why `after` does not compute what `before` does, in ONNX Runtime; empty if it does."""
    reference = Reference(before)
    try:
        other = Reference(after)
        for feeds in probes(before):
            gap = worst(other(feeds), reference(feeds))
            if not gap.relative <= LIMIT:
                return f"the result's outputs differ by {gap.relative:.1e} (relative)"
    except UnsupportedModel as err:
        return f"the result does not run: {err.facts.get('reason', err.what)}"
    return ""


def _io(value: onnx.ValueInfoProto) -> tuple[str, int]:
    return value.name, value.type.tensor_type.elem_type
