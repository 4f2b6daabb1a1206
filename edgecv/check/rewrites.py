"""What each TensorRT flavour is known to refuse, and the rewrite that helps, as data.

The TensorRT-RTX entries were measured with 1.7.1 (parse and build of one-node graphs); the others
are read from onnx-tensorrt's operator lists of 8.5, 8.6 and 10.1 and TensorRT's changelog up to
11.4. A flavour that is not named is not known to refuse the node: only a build proves it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

RTX = "tensorrt-rtx"
ALL_TENSORRT = "tensorrt 8.5 .. 11"
UNTIL_8_5 = "tensorrt 8.5"
UNTIL_8_6 = "tensorrt 8.5 .. 8.6"
UNTIL_10_0 = "tensorrt 8.5 .. 10.0"


class Node(NamedTuple):
    """One node of a graph, as rules see it.

    Attributes:
        name: Unique in the graph.
        op: ONNX operator.
        attributes: Name -> Python value.
        outputs: Number of outputs that something uses.
        ranks: Rank of each input; -1 where it is not known.
        constants: Value of each input that is an initialiser, else None.
    """

    name: str
    op: str
    attributes: dict[str, Any]
    outputs: int
    ranks: tuple[int, ...]
    constants: tuple[Any, ...]

    def constant(self, index: int) -> Any:
        """Value of a constant input as an array, None if it is computed or left out."""
        return self.constants[index] if index < len(self.constants) else None


class Rule(NamedTuple):
    """A row: which nodes, who refuses them, and what to do instead.

    Attributes:
        ops: ONNX operators the row is about.
        what: The form of the node that is refused.
        refused_by: The flavours known to refuse it.
        rewrite: What to put in its place.
        when: Which nodes of those operators are meant.
    """

    ops: tuple[str, ...]
    what: str
    refused_by: tuple[str, ...]
    rewrite: str
    when: Callable[[Node], bool] = lambda node: True


def _above_3840(node: Node) -> bool:
    k = node.constant(1)
    return k is not None and int(np.max(k)) > 3840


def _some(value: Any, wrong: Callable[[Any], Any]) -> bool:
    return value is not None and bool(np.any(wrong(value)))


_OWN_NMS = (
    "end the graph before it (boxes and scores as outputs) and name edgecv's own head, "
    "`--task detect --head dense`: it suppresses outside the engine, with a fixed capacity"
)
_RANK_MASK = (
    "rank mask: up=nearest x2, m=MaxPool(x), e=(x>=up(m)), r=e*[[4,3],[2,1]] tiled, "
    "k=(r>=up(MaxPool(r))), unpool(y)=up(y)*k; bit-equal to MaxUnpool, ties too"
)
_INTEGER_OPS = ("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger")
_NEVER = ("Unique", "Det", "Col2Im", "MaxRoiPool", *_INTEGER_OPS, "DynamicQuantizeLinear")

RULES = (
    Rule(
        ("MaxPool",),
        "its Indices output is used",
        (RTX, ALL_TENSORRT),
        _RANK_MASK,
        lambda n: n.outputs > 1,
    ),
    Rule(("MaxUnpool",), "any", (RTX, ALL_TENSORRT), _RANK_MASK),
    Rule(
        ("MaxPool",),
        "dilations other than 1",
        (RTX,),
        "Max over the k*k shifted Slices of the padded input (exact)",
        lambda n: any(d != 1 for d in n.attributes.get("dilations", ())),
    ),
    Rule(("NonMaxSuppression",), "any (it parses, and fails to build)", (RTX,), _OWN_NMS),
    Rule(
        ("RoiAlign", "MaxRoiPool"),
        "any",
        (RTX,),
        "crop with GridSample on boxes that are an input, or run the second stage as its own graph",
    ),
    Rule(
        ("NonZero",),
        "any",
        (RTX,),
        "a fixed capacity: TopK over the mask's scores, then compare with a threshold outside",
    ),
    Rule(
        ("TopK",),
        "K above 3840",
        (RTX, ALL_TENSORRT),
        "a first TopK per level or per tile with K <= 3840, or select outside the engine",
        _above_3840,
    ),
    Rule(
        ("TopK",),
        "K that is computed",
        (UNTIL_8_5,),
        "make K a constant",
        lambda n: len(n.ranks) > 1 and n.constant(1) is None,
    ),
    Rule(
        ("AffineGrid",),
        "any",
        (RTX, "tensorrt 8.5 .. 10.1"),
        "a constant base grid (1, H*W, 3), MatMul with theta transposed, Reshape; keep it in fp32",
    ),
    Rule(
        ("GridSample",),
        "5-D input",
        ("tensorrt 8.5 .. 11.2.0",),
        "sample slices in 4-D and blend along depth",
        lambda n: bool(n.ranks) and n.ranks[0] == 5,
    ),
    Rule(
        ("DeformConv",),
        "any",
        (RTX, UNTIL_10_0),
        "GridSample at the offset positions, concatenated, then a 1x1 convolution",
    ),
    Rule(
        ("DequantizeLinear",),
        "int32 input (a quantised bias)",
        (RTX,),
        "keep the bias in floating point; `edgecv build --precision int8` from the fp32 file",
        lambda n: _some(n.constant(0), lambda v: v.dtype == np.int32),
    ),
    Rule(
        ("QuantizeLinear", "DequantizeLinear"),
        "zero point other than 0",
        (RTX, ALL_TENSORRT),
        "symmetric quantisation; `edgecv build --precision int8` from the fp32 file",
        lambda n: _some(n.constant(2), lambda v: v != 0),
    ),
    Rule(
        ("QuantizeLinear", "DequantizeLinear"),
        "scale that is not positive",
        (RTX, ALL_TENSORRT),
        "calibrate again: a range of zero needs a small positive scale",
        lambda n: _some(n.constant(1), lambda v: ~(v > 0)),
    ),
    Rule(
        ("Resize",),
        "antialias=1",
        (RTX, ALL_TENSORRT),
        "an AveragePool or a fixed convolution before the Resize; for the input image, "
        "`input.interpolation: antialias` in the recipe does it before the engine",
        lambda n: bool(n.attributes.get("antialias", 0)),
    ),
    Rule(
        ("ScatterElements",),
        "with a reduction",
        (UNTIL_8_6,),
        "a one-hot matrix and MatMul, or reduce outside the engine",
        lambda n: n.attributes.get("reduction", "none") != "none",
    ),
    Rule(
        ("ScatterND",),
        "with a reduction",
        (ALL_TENSORRT,),
        "a one-hot matrix and MatMul",
        lambda n: n.attributes.get("reduction", "none") != "none",
    ),
    Rule(
        ("LayerNormalization", "HardSwish", "OneHot"),
        "any",
        (UNTIL_8_5,),
        "its definition in plain operators",
    ),
    Rule(
        ("CumSum",),
        "axis that is computed",
        ("tensorrt 8.5 .. 10.7",),
        "make the axis a constant, or MatMul with a triangular matrix",
        lambda n: n.constant(1) is None,
    ),
    Rule(
        ("Einsum",),
        "ellipsis",
        ("tensorrt 8.5 .. 10.11",),
        "write the dimensions out, or Transpose and MatMul",
        lambda n: "..." in str(n.attributes.get("equation", "")),
    ),
    Rule(
        _NEVER,
        "any",
        (RTX, ALL_TENSORRT),
        "floating-point operators in its place (quantised files: start from the fp32 one)",
    ),
)

OLD_OPSET = Rule(
    (),
    "opset above 17",
    (UNTIL_8_6,),
    "`edgecv export --opset 17`; a bundle's source.onnx already is opset 17",
)


def known_rules(node: Node) -> tuple[Rule, ...]:
    """The rows that describe a node, in the table's order."""
    return tuple(rule for rule in RULES if node.op in rule.ops and rule.when(node))
