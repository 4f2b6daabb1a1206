"""Precision as an intent: model.onnx (+ ranges.json) becomes an explicitly typed graph.

`int8` means the same placement and the same scales for every engine; what is not int8 is fp32 or
fp16 as asked. The typed graph is what TensorRT >= 10, TensorRT-RTX, OpenVINO and ONNX Runtime
take as it is; the source form is what TensorRT 8.5 .. 9 (and any later one) can parse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import onnx
from onnx import ModelProto

from edgecv.build.float16 import LARGEST, retype_float16
from edgecv.build.qdq import insert_qdq
from edgecv.errors import StaleError, UnknownName, UnsupportedModel, UsageError
from edgecv.graph.fold import fold_batchnorm
from edgecv.graph.lower import lower_opset
from edgecv.graph.placement import Placement, place
from edgecv.graph.topology import Topology
from edgecv.ranges import Ranges
from edgecv.recipe import PRECISIONS

INT8_OPSET = 13  # the first with a per-channel DequantizeLinear
INT8_FP16_OPSET = 19  # the first whose Q/DQ take float16 scales
SOURCE_OPSET = 17  # the last that TensorRT 8.5 and 8.6 parse
CALIBRATE = "edgecv calibrate RECIPE"


@dataclass(frozen=True)
class Typed:
    """A typed graph and what was decided on the way.

    Attributes:
        model: The graph, its IO in fp32.
        quantized: Names of the nodes with int8 data and weight.
        kept: Conv/ConvTranspose/Gemm/MatMul node that int8 left in float -> why.
        warnings: Stored values and measured activations that float16 cannot hold.
    """

    model: ModelProto
    quantized: tuple[str, ...] = ()
    kept: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def type_model(
    model: ModelProto,
    precision: str,
    *,
    ranges: Ranges | None = None,
    rest: str = "fp32",
    keep: Sequence[str] = (),
    opset: int | None = None,
) -> Typed:
    """Type an fp32 graph.

    Args:
        model: An fp32 model (`graph.adopt` or `graph.read`); it is not changed.
        precision: `fp32`, `tf32` (the same graph: the engine's flag differs), `fp16`, `int8`, or
            `mixed`: int8 but for the nodes of `keep`.
        ranges: The calibration table; for int8 and mixed.
        rest: `fp32` or `fp16`: what int8 and mixed leave in float.
        keep: Globs over node names that stay in `rest` precision.
        opset: Raise the graph to at least this opset.

    Returns:
        The typed graph: batch normalisations folded, node names unique, fp32 inputs and outputs.

    Raises:
        UnknownName: no such precision, or a glob of `keep` matches nothing.
        UsageError: int8 without ranges, mixed without `keep`, `rest` is no such precision.
        StaleError: the table lacks a tensor that is to be quantised.
        UnsupportedModel: the graph cannot be retyped or raised to the opset that it needs.
    """
    _check_request(precision, ranges, rest, keep)
    quantize = precision in ("int8", "mixed")
    half = precision == "fp16" or (quantize and rest == "fp16")
    needed = (INT8_FP16_OPSET if half else INT8_OPSET) if quantize else 0
    typed = _prepared(model, max(opset or 0, needed))
    placement = place(typed, keep) if quantize else Placement({})
    if quantize and ranges is not None:
        amax = _amax(placement, ranges)
        insert_qdq(typed, placement, amax, scale_dtype="float16" if half else "float32")
    warnings = retype_float16(typed) if half else ()
    if half and ranges is not None:
        warnings += _overflowing(ranges)
    return Typed(_checked(typed), placement.nodes, dict(placement.kept), warnings)


def source_form(
    model: ModelProto, ranges: Ranges | None = None, *, keep: Sequence[str] = ()
) -> ModelProto:
    """The portable form: opset 17, fp32 with fp32 scales, ranges applied where there are any.

    Args:
        model: The fp32 model; it is not changed.
        ranges: The calibration table; None for a bundle that is not int8.
        keep: Globs over node names that stay in float.

    Raises:
        UnsupportedModel: an operator has no form in opset 17; the node is named.
    """
    source = _prepared(model, INT8_OPSET)
    if ranges is not None:
        placement = place(source, keep)
        insert_qdq(source, placement, _amax(placement, ranges))
    if _opset(source) > SOURCE_OPSET:
        lower_opset(source, SOURCE_OPSET)
    return _checked(source)


def _check_request(precision: str, ranges: Ranges | None, rest: str, keep: Sequence[str]) -> None:
    if precision not in PRECISIONS:
        raise UnknownName("precision", precision, PRECISIONS)
    if rest not in ("fp32", "fp16"):
        raise UnknownName("rest precision", rest, ("fp32", "fp16"))
    if precision in ("int8", "mixed") and ranges is None:
        raise UsageError(f"{precision} needs a calibration table", fix=CALIBRATE)
    if precision == "mixed" and not keep:
        raise UsageError(
            "mixed needs the nodes that stay in higher precision", fix="--set build.keep=[NODE, …]"
        )


def _prepared(model: ModelProto, opset: int) -> ModelProto:
    """A copy: constants stored, normalisations folded, names unique, at least at `opset`."""
    copy = ModelProto()
    copy.CopyFrom(model)
    _store_constants(copy)
    fold_batchnorm(copy)
    if _opset(copy) < opset:
        copy = _raised(copy, opset)
    for node, name in zip(copy.graph.node, Topology(copy).names, strict=True):
        node.name = name
    return copy


def _store_constants(model: ModelProto) -> None:
    """Constant nodes become initialisers: retyping then treats every constant alike."""
    topology = Topology(model)
    for node in list(model.graph.node):
        if node.op_type != "Constant" or node.output[0] in topology.outputs:
            continue
        value = topology.constant(node.output[0])
        if value is not None:
            model.graph.initializer.append(onnx.numpy_helper.from_array(value, node.output[0]))
            model.graph.node.remove(node)


def _amax(placement: Placement, ranges: Ranges) -> Mapping[str, float]:
    missing = [name for name in placement.tensors if name not in ranges.tensors]
    if missing:
        raise StaleError(
            "calibration table lacks tensors of this model",
            missing=len(missing),
            first=missing[0],
            fix=CALIBRATE,
        )
    return {name: ranges.tensors[name].amax for name in placement.tensors}


def _overflowing(ranges: Ranges) -> tuple[str, ...]:
    """Measured activations that float16 cannot hold: they become infinity in the fp16 part."""
    return tuple(
        f"fp16: {name} reached {max(-seen.low, seen.high):.4g} in calibration; float16 ends at "
        f"{LARGEST:.0f}"
        for name, seen in ranges.tensors.items()
        if max(-seen.low, seen.high) > LARGEST
    )


def _opset(model: ModelProto) -> int:
    return max(int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx"))


def _raised(model: ModelProto, opset: int) -> ModelProto:
    from onnx import version_converter

    try:
        raised = version_converter.convert_version(model, opset)
    except (RuntimeError, ValueError, onnx.checker.ValidationError) as err:
        raise UnsupportedModel(
            "the graph cannot be raised to the opset its types need",
            opset=_opset(model),
            needed=opset,
            reason=str(err).splitlines()[0],
        ) from err
    return raised


def _checked(model: ModelProto) -> ModelProto:
    """Refuse to hand out a graph that ONNX itself calls invalid."""
    try:
        onnx.checker.check_model(model, full_check=model.ByteSize() < 2**30)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as err:
        raise UnsupportedModel(
            "the typed graph is not valid ONNX", reason=str(err).splitlines()[0]
        ) from err
    return model
