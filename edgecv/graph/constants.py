"""Constants as initialisers: the one place the rest of edgecv looks for weights."""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import numpy_helper

from edgecv.errors import UnsupportedModel
from edgecv.graph.read import initialisers
from edgecv.graph.stored import MAX_BYTES
from edgecv.graph.topology import Topology


def drop_weight_inputs(model: onnx.ModelProto) -> None:
    """Remove initialisers from the graph inputs (files of IR version 3 list them there)."""
    weights = initialisers(model)
    true = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(true)
    model.ir_version = max(model.ir_version, 4)  # before 4, every initialiser is an input


def drop_unread(model: onnx.ModelProto) -> None:
    """Remove stored constants that no node reads and no output is, in place."""
    topology = Topology(model)
    for tensor in list(model.graph.initializer):
        if not topology.consumers(tensor.name) and tensor.name not in topology.outputs:
            model.graph.initializer.remove(tensor)


def fold_constants(model: onnx.ModelProto) -> None:
    """Turn Constant nodes, and ConstantOfShape of a constant, into initialisers, in place.

    Nodes that break ONNX's rules stay as they are, for ONNX Runtime to refuse.

    Raises:
        UnsupportedModel: the constants would not fit one ONNX file.
    """
    graph = model.graph
    weights = initialisers(model)
    outputs = {value.name for value in graph.output}
    room = MAX_BYTES - model.ByteSize()
    kept = []
    for node in graph.node:
        foldable = len(node.output) == 1 and node.output[0] not in outputs
        value = _value(node, weights, room) if foldable else None
        if value is None:
            kept.append(node)
            continue
        room -= value.nbytes
        tensor = numpy_helper.from_array(value, node.output[0])
        graph.initializer.append(tensor)
        weights[tensor.name] = tensor
    if len(kept) != len(graph.node):
        nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept]
        del graph.node[:]
        graph.node.extend(nodes)


def _value(
    node: onnx.NodeProto, weights: dict[str, onnx.TensorProto], room: int
) -> np.ndarray | None:
    if node.domain not in ("", "ai.onnx"):
        return None
    if node.op_type == "Constant" and node.attribute:
        return _constant(node)
    if node.op_type == "ConstantOfShape" and node.input[0] in weights:
        return _filled(node, numpy_helper.to_array(weights[node.input[0]]), room)
    return None


def _constant(node: onnx.NodeProto) -> np.ndarray | None:
    attribute = node.attribute[0]
    if attribute.name == "value":
        if attribute.t.data_type == onnx.TensorProto.STRING:
            return None
        return np.asarray(numpy_helper.to_array(attribute.t))
    plain = {
        "value_float": lambda: np.float32(attribute.f),
        "value_floats": lambda: np.array(list(attribute.floats), np.float32),
        "value_int": lambda: np.int64(attribute.i),
        "value_ints": lambda: np.array(list(attribute.ints), np.int64),
    }
    return np.asarray(plain[attribute.name]()) if attribute.name in plain else None


def _filled(node: onnx.NodeProto, shape: np.ndarray, room: int) -> np.ndarray | None:
    fill = np.zeros(1, np.float32)
    if node.attribute:
        fill = numpy_helper.to_array(node.attribute[0].t).reshape(-1)
    if fill.size != 1 or shape.dtype != np.int64:
        return None
    sides = [int(side) for side in shape.reshape(-1)]
    if min(sides, default=0) < 0 or math.prod(sides) * fill.itemsize > room:
        raise UnsupportedModel(
            "the graph makes a constant that does not fit one ONNX file",
            node=node.name or node.output[0],
            shape=sides[:8],
        )
    return np.full(sides, fill[0], fill.dtype)
