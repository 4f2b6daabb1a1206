"""Write a placement into a graph: QuantizeLinear/DequantizeLinear pairs and int8 weights.

The form is the one every TensorRT since 8.5 fuses and OpenVINO runs in int8: symmetric (zero
point 0), one scale per activation tensor, one per output channel of a weight, weights stored as
int8 with a DequantizeLinear, no quantised bias.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

from edgecv.graph.placement import Placement
from edgecv.graph.topology import Topology, reads

LEVELS = 127  # -127..127: symmetric, so -128 is never used
_SMALLEST = {  # a scale must stay > 0 in the type it is stored in, and keep a few bits
    "float32": float(np.finfo(np.float32).tiny),
    "float16": 2.0**-20,
}


def activation_scale(amax: float, dtype: str = "float32") -> np.ndarray:
    """The scale of a tensor clipped at `amax`: amax / 127; 1 for a tensor that is always zero.

    Args:
        amax: Clipping threshold, finite, >= 0.
        dtype: `float32` or `float16`, what the scale is stored in.

    Returns:
        () array of `dtype`, > 0.
    """
    scale = amax / LEVELS if amax > 0 else 1.0
    largest = float(np.finfo(dtype).max)
    return np.asarray(min(max(scale, _SMALLEST[dtype]), largest), dtype)


def quantize_weight(
    weight: np.ndarray, axis: int, dtype: str = "float32"
) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8 weights with one scale per slice along `axis`.

    Rounds half to even, to the scale as it is stored, so that a float16 scale costs no second
    rounding. A slice of zeros (a dead channel) takes the scale 1: TensorRT refuses 0.

    Args:
        weight: float array.
        axis: The output-channel axis.
        dtype: `float32` or `float16`, what the scales are stored in.

    Returns:
        The int8 array of the same shape, and its scales, (channels,) of `dtype`, all > 0.
    """
    others = tuple(i for i in range(weight.ndim) if i != axis % weight.ndim)
    amax = np.abs(weight.astype(np.float64)).max(axis=others)
    wanted = np.where(amax > 0, amax / LEVELS, 1.0)
    scales = np.maximum(wanted, _SMALLEST[dtype]).astype(dtype)
    shape = [1] * weight.ndim
    shape[axis] = -1
    levels = np.rint(weight / scales.astype(np.float64).reshape(shape))
    return np.clip(levels, -LEVELS, LEVELS).astype(np.int8), scales


def insert_qdq(
    model: ModelProto,
    placement: Placement,
    amax: Mapping[str, float],
    *,
    scale_dtype: str = "float32",
) -> None:
    """Quantise `model` in place as `placement` says.

    Args:
        model: The fp32 model; node names are made unique.
        placement: From `graph.placement.place(model)`.
        amax: Clipping threshold of every tensor of the placement.
        scale_dtype: `float32`, or `float16` for graphs whose rest is fp16 (opset >= 19).
    """
    topology = Topology(model)
    for node, name in zip(model.graph.node, topology.names, strict=True):
        node.name = name
    writer = _Writer(model, topology, scale_dtype)
    skips = dict(placement.skips)
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        if node.name in placement.operands:
            operand = placement.operands[node.name]
            data = writer.activation(operand.data, amax[operand.data])
            weight = writer.weight(operand.weight, operand.axis)
            node.input[0], node.input[1] = data, weight
        elif node.name in skips:
            tensor = skips[node.name]
            data = writer.activation(tensor, amax[tensor])
            node.input[list(node.input).index(tensor)] = data
        nodes += [*writer.taken(), node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _drop_unread(model)


class _Writer:
    """Makes each Q/DQ pair once, the first time it is asked for."""

    def __init__(self, model: ModelProto, topology: Topology, scale_dtype: str) -> None:
        self._graph, self._topology, self._dtype = model.graph, topology, scale_dtype
        self._made: dict[tuple[str, int], str] = {}
        self._pending: list[NodeProto] = []
        self._store("edgecv/zero_point", np.int8(0))

    def taken(self) -> list[NodeProto]:
        """Nodes made since the last call; they belong before the node that asked."""
        taken, self._pending = self._pending, []
        return taken

    def activation(self, tensor: str, amax: float) -> str:
        """Name of the dequantised twin of an activation."""
        if (tensor, -1) not in self._made:
            self._store(f"{tensor}/scale", activation_scale(amax, self._dtype))
            tail = [f"{tensor}/scale", "edgecv/zero_point"]
            self._node("QuantizeLinear", [tensor, *tail], f"{tensor}/int8")
            self._node("DequantizeLinear", [f"{tensor}/int8", *tail], f"{tensor}/dq")
            self._made[tensor, -1] = f"{tensor}/dq"
        return self._made[tensor, -1]

    def weight(self, tensor: str, axis: int) -> str:
        """Name of the dequantised form of a stored weight."""
        if (tensor, axis) not in self._made:
            value = self._topology.constant(tensor)
            if value is None:
                raise KeyError(tensor)  # placement takes stored weights only
            stem = f"{tensor}/axis{axis}" if axis else tensor  # a weight may be read both ways
            levels, scales = quantize_weight(value, axis, self._dtype)
            self._store(f"{stem}/int8", levels)
            self._store(f"{stem}/scale", scales)
            self._store(f"{stem}/zero_point", np.zeros(scales.shape, np.int8))
            parts = [f"{stem}/int8", f"{stem}/scale", f"{stem}/zero_point"]
            self._node("DequantizeLinear", parts, f"{stem}/dq", axis=axis)
            self._made[tensor, axis] = f"{stem}/dq"
        return self._made[tensor, axis]

    def _node(self, op: str, inputs: list[str], output: str, **attributes: int) -> None:
        name = f"{output}/{op}"
        self._pending.append(helper.make_node(op, inputs, [output], name=name, **attributes))

    def _store(self, name: str, value: np.ndarray | np.int8) -> None:
        self._graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))


def _drop_unread(model: ModelProto) -> None:
    """Remove float weights that only quantised nodes read, and the Constant nodes of such."""
    read = {name for node in model.graph.node for name in reads(node)}
    read |= {value.name for value in model.graph.output}
    for node in list(model.graph.node):
        if node.op_type == "Constant" and node.output[0] not in read:
            model.graph.node.remove(node)
    for tensor in list(model.graph.initializer):
        if tensor.name not in read:
            model.graph.initializer.remove(tensor)
