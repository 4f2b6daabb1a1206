"""A graph as the rules and the search see it: named nodes, known shapes, constants at hand."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import TensorProto, numpy_helper
from onnx.shape_inference import InferenceError

from edgecv.check.rewrites import Node

_LARGE = 1 << 16  # elements; rules ask only about scalars, scales and zero points


def prepared(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose nodes all have unique names and whose tensors have shapes where inferable."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    taken: set[str] = set()
    for index, node in enumerate(copy.graph.node):
        name = node.name or f"{node.op_type}_{index}"
        while name in taken:
            name += "_again"
        node.name = name
        taken.add(name)
    try:
        return onnx.shape_inference.infer_shapes(copy)
    except (InferenceError, ValueError):  # nothing can be inferred: the parser will say why
        return copy


def opset(model: onnx.ModelProto) -> int:
    """Version of the default operator set."""
    return next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)


def nodes_of(model: onnx.ModelProto) -> tuple[Node, ...]:
    """The nodes of a prepared graph, as rules see them."""
    graph = model.graph
    used = {name for node in graph.node for name in node.input}
    used |= {value.name for value in graph.output}
    constants = {init.name: _value(init) for init in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            constants[node.output[0]] = _value(node.attribute[0].t)
    ranks = {name: len(info.type.tensor_type.shape.dim) for name, info in shapes_of(model).items()}
    return tuple(
        Node(
            name=node.name,
            op=node.op_type,
            attributes={a.name: _plain(a) for a in node.attribute},
            outputs=sum(name in used for name in node.output if name),
            ranks=tuple(ranks.get(name, -1) for name in node.input),
            constants=tuple(constants.get(name) for name in node.input),
        )
        for node in graph.node
    )


def shapes_of(model: onnx.ModelProto) -> dict[str, onnx.ValueInfoProto]:
    """Tensor name -> its type and shape, for every tensor whose shape is known."""
    infos = (*model.graph.input, *model.graph.value_info, *model.graph.output)
    return {info.name: info for info in infos if info.type.tensor_type.HasField("shape")}


def _plain(attribute: onnx.AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _value(tensor: onnx.TensorProto) -> Any:
    size = 1
    for dim in tensor.dims:
        size *= dim
    if size > _LARGE or tensor.data_type == TensorProto.STRING:
        return None
    return numpy_helper.to_array(tensor)
