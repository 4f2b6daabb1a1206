"""Retype an fp32 graph to fp16, keeping fp32 inputs and outputs.

TensorRT and TensorRT-RTX take the types a strongly typed graph states. Every float32 tensor
becomes float16, but for the operators that must not: those go on in float32 between Casts.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from edgecv.errors import UnsupportedModel
from edgecv.graph.topology import element_types, reads

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
LARGEST = float(np.finfo(np.float16).max)
SMALLEST = float(np.finfo(np.float16).smallest_subnormal)

IN_FLOAT = {  # operator -> why it stays in float32
    "If": "subgraphs are left as they are",
    "Loop": "subgraphs are left as they are",
    "Scan": "subgraphs are left as they are",
    "LRN": "sums of squares pass 65504",
    "ReduceSumSquare": "sums of squares pass 65504",
    "ReduceL2": "sums of squares pass 65504",
    "LpNormalization": "sums of squares pass 65504",
    "NonMaxSuppression": "takes float32 only",
    "Range": "takes no float16",
    "RandomNormal": "states its own type",
    "RandomUniform": "states its own type",
    "RandomNormalLike": "states its own type",
    "RandomUniformLike": "states its own type",
    "AffineGrid": "coordinates lose a pixel in float16",
}
_FLOAT_SLOTS = {"Resize": (2,), "Upsample": (1,)}  # scales are float32 by the standard


def retype_float16(model: ModelProto) -> tuple[str, ...]:
    """Make every float32 tensor of `model` float16, in place; its IO stays float32.

    Args:
        model: An fp32 graph with inferable types and uniquely named nodes; Q/DQ in it must
            already carry float16 scales (opset >= 19).

    Returns:
        Warnings: stored values that left the range of float16 and were clipped.

    Raises:
        UnsupportedModel: the type of a tensor cannot be inferred, or the graph defines functions.
    """
    if model.functions:
        raise UnsupportedModel("fp16: the graph defines functions of its own")
    retyper = _Retyper(model)
    nodes = [made for node in list(model.graph.node) for made in retyper.convert(node)]
    tail = retyper.outputs()
    del model.graph.node[:]
    model.graph.node.extend([*retyper.head, *nodes, *tail])
    del model.graph.value_info[:]
    retyper.store()
    return tuple(retyper.warnings)


class _Retyper:
    """Turns nodes one by one; every float32 tensor `x` keeps its name and becomes float16."""

    def __init__(self, model: ModelProto) -> None:
        self._graph = model.graph
        self._floats = _float_tensors(model)
        self._stored = {t.name: t for t in model.graph.initializer if t.data_type == FLOAT}
        self._half: set[str] = set()  # stored constants wanted as float16
        self._full: set[str] = set()  # ... and as float32, under another name
        self._casts: dict[str, str] = {}
        self._inputs = {v.name for v in model.graph.input} & self._floats - set(self._stored)
        self._outputs = [v.name for v in model.graph.output if v.name in self._floats]
        self.warnings: list[str] = []
        self.head = [_cast(name, f"{name}/half", HALF) for name in sorted(self._inputs)]

    def convert(self, node: NodeProto) -> list[NodeProto]:
        """The nodes that take the place of `node`."""
        if node.op_type in IN_FLOAT:
            return self._in_float(node)
        before: list[NodeProto] = []
        slots = _FLOAT_SLOTS.get(node.op_type, ())
        for at, name in enumerate(node.input):
            if name not in self._floats:
                continue
            node.input[at] = self._as_float(name, before) if at in slots else self._as_half(name)
        self._retype_attributes(node)
        for at, name in enumerate(node.output):
            if name in self._outputs:
                node.output[at] = f"{name}/half"
        return [*before, node]

    def outputs(self) -> list[NodeProto]:
        """Casts that give the graph its float32 outputs."""
        made = {name for name in self._outputs if name not in self._inputs | set(self._stored)}
        return [_cast(f"{name}/half", name, FLOAT) for name in self._outputs if name in made]

    def store(self) -> None:
        """Write the stored constants in the types they were asked for."""
        kept = [t for t in self._graph.initializer if t.name not in self._stored]
        outputs = {value.name for value in self._graph.output}
        for name, tensor in self._stored.items():
            value = numpy_helper.to_array(tensor)
            if name in self._half:
                kept.append(numpy_helper.from_array(self._to_half(value, name), f"{name}/half"))
            if name in self._full or name in outputs:
                kept.append(tensor)
        del self._graph.initializer[:]
        self._graph.initializer.extend(kept)

    def _as_half(self, name: str) -> str:
        if name in self._stored:
            self._half.add(name)
            return f"{name}/half"
        return f"{name}/half" if name in self._inputs or name in self._outputs else name

    def _as_float(self, name: str, before: list[NodeProto]) -> str:
        """A float32 view of a tensor: the original, or a Cast that is made once."""
        if name in self._stored:
            self._full.add(name)
            return name
        if name in self._inputs:
            return name
        if name not in self._casts:
            self._casts[name] = f"{name}/float"
            before.append(_cast(self._as_half(name), f"{name}/float", FLOAT))
        return self._casts[name]

    def _in_float(self, node: NodeProto) -> list[NodeProto]:
        before: list[NodeProto] = []
        for at, name in enumerate(node.input):
            if name in self._floats:
                node.input[at] = self._as_float(name, before)
        _rename_outer(node, {n: self._as_float(n, before) for n in self._captured(node)})
        after: list[NodeProto] = []
        for at, name in enumerate(node.output):
            if name in self._floats:
                node.output[at] = f"{name}/float"
                self._casts[name] = f"{name}/float"
                after.append(_cast(f"{name}/float", self._as_half(name), HALF))
        return [*before, node, *after]

    def _captured(self, node: NodeProto) -> Iterable[str]:
        return [name for name in reads(node) if name in self._floats and name not in node.input]

    def _retype_attributes(self, node: NodeProto) -> None:
        if node.op_type == "ConstantOfShape" and not node.attribute:  # its default is float32
            zero = numpy_helper.from_array(np.zeros(1, np.float16))
            node.attribute.append(helper.make_attribute("value", zero))
        for attribute in node.attribute:
            if attribute.name in ("to", "dtype", "output_dtype") and attribute.i == FLOAT:
                attribute.i = HALF
            elif attribute.type == onnx.AttributeProto.TENSOR and attribute.t.data_type == FLOAT:
                half = self._to_half(numpy_helper.to_array(attribute.t), node.name)
                attribute.t.CopyFrom(numpy_helper.from_array(half))
            elif node.op_type == "Constant" and attribute.name in ("value_float", "value_floats"):
                value = np.asarray(helper.get_attribute_value(attribute), np.float32)
                half = numpy_helper.from_array(self._to_half(value, node.name))
                attribute.CopyFrom(helper.make_attribute("value", half))

    def _to_half(self, value: np.ndarray, name: str) -> np.ndarray:
        """Round to float16; clip what is out of range, and keep a lone epsilon above zero."""
        over = int(np.count_nonzero(np.abs(value) > LARGEST))
        if over:
            worst = float(np.abs(value).max())
            self.warnings.append(
                f"fp16: {over} of {value.size} values of {name} clipped to "
                f"±{LARGEST:.0f} (largest |value| {worst:.4g})"
            )
        half = np.asarray(np.clip(value, -LARGEST, LARGEST), np.float16)
        if value.size == 1 and value.any() and not half.any():
            self.warnings.append(f"fp16: {name} = {float(value.ravel()[0]):.4g} raised to 6e-08")
            half = np.asarray(np.copysign(SMALLEST, value), np.float16)
        return half


def _float_tensors(model: ModelProto) -> set[str]:
    """Names of all float32 tensors of the main graph."""
    try:
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=False, data_prop=False)
    except (onnx.shape_inference.InferenceError, RuntimeError, ValueError) as err:
        raise UnsupportedModel("fp16: the graph's types cannot be inferred", reason=err) from err
    types = element_types(inferred.graph)
    for node in model.graph.node:
        unknown = [name for name in node.output if name and name not in types]
        if unknown:
            raise UnsupportedModel(
                "fp16: the type of a tensor cannot be inferred",
                node=node.name,
                operator=node.op_type,
                tensor=unknown[0],
            )
    return {name for name, kind in types.items() if kind == FLOAT}


def _cast(source: str, target: str, to: int) -> NodeProto:
    return helper.make_node("Cast", [source], [target], name=f"{target}/Cast", to=to)


def _rename_outer(node: NodeProto, names: dict[str, str]) -> None:
    for attribute in node.attribute:
        for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
            for inner in graph.node:
                for at, name in enumerate(inner.input):
                    inner.input[at] = names.get(name, name)
                _rename_outer(inner, names)
