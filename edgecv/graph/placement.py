"""Which nodes run in int8, and which tensors are quantised for them.

The rules are TensorRT's, read from its builder's own layer list: a convolution runs in int8 only
if both its data and its weight are quantised, symmetrically, the data per tensor. Quantising
exactly the tensors that such nodes read puts Q after Relu, Concat, pooling and Resize and never
after a head's last convolution: the places where it fuses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from onnx import ModelProto, NodeProto

from edgecv.errors import UnknownName
from edgecv.graph.topology import Topology, attribute

HEAVY = ("Conv", "ConvTranspose", "Gemm", "MatMul")

_ASKED = "kept by request"
_DECONV = "ConvTranspose: TensorRT runs it in float whatever is asked"
_NO_WEIGHT = "its weight is not a stored constant"
_QUANTIZED = "it comes quantised already (Q/DQ in the file)"
_LEFT_WEIGHT = "its constant is on the left, where no per-channel scale applies"
_TWO_ACTIVATIONS = "both operands are activations (attention, coordinates): int8 costs accuracy"
_CONSTANT_DATA = "its data is a constant"
_NOT_FLOAT = "its weight is not float32"
_SCALED_GEMM = "Gemm with alpha, beta or transA"
_RANK = "its weight has a rank TensorRT's int8 kernels do not take"


@dataclass(frozen=True)
class Operands:
    """Names of a quantised node's activation and weight, and the weight's channel axis."""

    data: str
    weight: str
    axis: int


@dataclass(frozen=True)
class Placement:
    """What to quantise.

    Attributes:
        operands: Quantised node -> what it reads.
        skips: (node, tensor): residual additions that read the already quantised `tensor`.
        kept: Conv/ConvTranspose/Gemm/MatMul node that stays in float -> why.
    """

    operands: dict[str, Operands]
    skips: tuple[tuple[str, str], ...] = ()
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the quantised nodes, in graph order."""
        return tuple(self.operands)

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of the activations to quantise, each once, in the order they are first read."""
        return tuple(dict.fromkeys(operand.data for operand in self.operands.values()))


def place(model: ModelProto, keep: Iterable[str] = ()) -> Placement:
    """Decide where int8 goes.

    Args:
        model: An fp32 model, normalisations folded or not.
        keep: Globs over node names; matching nodes stay in float.

    Returns:
        The placement. Every Conv, ConvTranspose, Gemm and MatMul is in `nodes` or in `kept`.

    Raises:
        UnknownName: a glob of `keep` matches no such node.
    """
    topology = Topology(model)
    heavy = {
        name: node
        for name, node in zip(topology.names, topology.graph.node, strict=True)
        if node.op_type in HEAVY
    }
    asked = _matching(tuple(keep), tuple(heavy))
    operands: dict[str, Operands] = {}
    kept: dict[str, str] = {}
    for name, node in heavy.items():
        reason = _ASKED if name in asked else _refusal(node, topology)
        if reason:
            kept[name] = reason
        else:
            operands[name] = Operands(node.input[0], node.input[1], _channel_axis(node))
    quantized = {operand.data for operand in operands.values()}
    return Placement(operands, tuple(_skips(topology, quantized)), kept)


def _matching(keep: tuple[str, ...], names: tuple[str, ...]) -> set[str]:
    asked: set[str] = set()
    for pattern in keep:
        found = {name for name in names if name == pattern or fnmatchcase(name, pattern)}
        if not found:
            raise UnknownName("node to keep", pattern, names, fix="edgecv inspect BUNDLE")
        asked |= found
    return asked


def _refusal(node: NodeProto, topology: Topology) -> str:
    """Why `node` cannot run in int8; empty if it can."""
    if node.op_type == "ConvTranspose":
        return _DECONV
    left, right = (topology.constant(name) is not None for name in node.input[:2])
    if right:
        return _CONSTANT_DATA if left else _weight_refusal(node, topology)
    if left:
        return _LEFT_WEIGHT
    maker = topology.producer(node.input[1])
    if maker is not None and maker.op_type == "DequantizeLinear":
        return _QUANTIZED
    return _TWO_ACTIVATIONS if node.op_type == "MatMul" else _NO_WEIGHT


def _weight_refusal(node: NodeProto, topology: Topology) -> str:
    weight = topology.constant(node.input[1])
    if weight is None or weight.dtype != "float32":
        return _NOT_FLOAT
    if node.op_type == "Gemm":
        scaled = any(attribute(node, name, 1.0) != 1.0 for name in ("alpha", "beta"))
        return _SCALED_GEMM if scaled or attribute(node, "transA", 0) else ""
    ranks = (4, 5) if node.op_type == "Conv" else (2,)
    return "" if weight.ndim in ranks else _RANK


def _channel_axis(node: NodeProto) -> int:
    """Axis of the weight's output channels; the other one silently falls back to float."""
    if node.op_type == "Conv":
        return 0
    return 0 if node.op_type == "Gemm" and attribute(node, "transB", 0) else 1


def _skips(topology: Topology, quantized: set[str]) -> Iterable[tuple[str, str]]:
    """Residual additions: reading the skip in int8 saves a float copy of it (measured in RTX)."""
    for name, node in zip(topology.names, topology.graph.node, strict=True):
        if node.op_type != "Add":
            continue
        for skip, branch in (tuple(node.input), tuple(node.input)[::-1]):
            maker = topology.producer(branch)
            fused = maker is not None and maker.op_type == "Conv"
            if skip in quantized and fused and topology.only_reader(branch) is not None:
                yield name, skip
                break
