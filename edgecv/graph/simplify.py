"""Fold what is constant, drop what does nothing (onnxslim, onnxsim), and prove it harmless."""

from __future__ import annotations

import contextlib
import io
import logging
from typing import Literal, NamedTuple

import onnx

from edgecv.errors import MissingPackage, UnsupportedModel
from edgecv.graph.parity import Reference, probes, worst
from edgecv.graph.read import true_inputs
from edgecv.graph.reason import reason
from edgecv.graph.stored import MAX_BYTES

Tool = Literal["onnxsim", "onnxslim", "none"]
LIMIT = 1e-4  # max |difference| / max |value|: folding reorders float sums, and no more


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


def simplify(model: onnx.ModelProto, tool: Tool = "onnxslim") -> Simplified:
    """Simplify a graph; keep it as it was, and say why, where the tool fails or changes outputs.

    Inputs and outputs keep their names, order and types. Parity is checked in ONNX Runtime on
    seeded random input.

    Args:
        model: A valid model, not changed.
        tool: Which simplifier; `none` returns the model as it is.

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
    harm = _harm(model, result)
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
    try:
        import onnxsim
    except ImportError as err:
        raise MissingPackage("onnxsim", "export", needed_for="simplifying a graph") from err
    result, _ = onnxsim.simplify(model)
    return result


def _harm(before: onnx.ModelProto, after: onnx.ModelProto) -> str:
    """Why `after` may not stand in for `before`; empty if it may."""
    if after is None or after.ByteSize() > MAX_BYTES:
        return "the result does not fit one ONNX file"
    if [_io(v) for v in true_inputs(after)] != [_io(v) for v in true_inputs(before)]:
        return "the result has other inputs"
    if [_io(v) for v in after.graph.output] != [_io(v) for v in before.graph.output]:
        return "the result has other outputs"
    reference = Reference(before)
    try:
        onnx.checker.check_model(after)
        other = Reference(after)
        for feeds in probes(before):
            gap = worst(other(feeds), reference(feeds))
            if not gap.relative <= LIMIT:
                return f"the result's outputs differ by {gap.relative:.1e} (relative)"
    except (UnsupportedModel, onnx.checker.ValidationError) as err:
        return f"the result is not valid: {reason(err)}"
    return ""


def _io(value: onnx.ValueInfoProto) -> tuple[str, int]:
    return value.name, value.type.tensor_type.elem_type
