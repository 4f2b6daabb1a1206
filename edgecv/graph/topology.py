"""Who makes and who reads every tensor of an ONNX graph."""

from __future__ import annotations

from collections import Counter

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper


class Topology:
    """An index over a model's main graph. It does not follow later edits of the model.

    Attributes:
        graph: The indexed graph.
        names: Node names by position; unnamed and repeated ones become `<op>_<position>`.
        initializers: Stored constants by name.
        inputs: Names of the graph's inputs, without those that are initialisers.
        outputs: Names of the graph's outputs.
    """

    def __init__(self, model: ModelProto) -> None:
        """Index `model`; nothing is copied."""
        self.graph: GraphProto = model.graph
        self.names = _node_names(self.graph)
        self.initializers = {tensor.name: tensor for tensor in self.graph.initializer}
        self.inputs = tuple(v.name for v in self.graph.input if v.name not in self.initializers)
        self.outputs = tuple(value.name for value in self.graph.output)
        self._producer: dict[str, int] = {}
        self._consumers: dict[str, list[int]] = {}
        for position, node in enumerate(self.graph.node):
            self._producer.update((name, position) for name in node.output if name)
            for name in dict.fromkeys(reads(node)):
                self._consumers.setdefault(name, []).append(position)

    def producer(self, tensor: str) -> NodeProto | None:
        """The node that makes `tensor`; None for inputs and stored constants."""
        position = self._producer.get(tensor)
        return None if position is None else self.graph.node[position]

    def consumers(self, tensor: str) -> tuple[NodeProto, ...]:
        """The nodes that read `tensor` (also from inside a branch or loop), in graph order."""
        return tuple(self.graph.node[at] for at in self._consumers.get(tensor, ()))

    def only_reader(self, tensor: str) -> NodeProto | None:
        """The single node that reads `tensor`, if there is exactly one and it is no output."""
        readers = self.consumers(tensor)
        return readers[0] if len(readers) == 1 and tensor not in self.outputs else None

    def constant(self, tensor: str) -> np.ndarray | None:
        """The value of a stored constant or of a Constant node; None for anything else."""
        if tensor in self.initializers:
            return np.asarray(numpy_helper.to_array(self.initializers[tensor]))
        node = self.producer(tensor)
        if node is None or node.op_type != "Constant":
            return None
        value = next((a for a in node.attribute if a.name == "value"), None)
        return None if value is None else np.asarray(numpy_helper.to_array(value.t))


def reads(node: NodeProto) -> list[str]:
    """Names a node reads: its inputs, and what its subgraphs (If, Loop) take from outside."""
    names = [name for name in node.input if name]
    for attribute in node.attribute:
        for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
            made = {name for inner in graph.node for name in inner.output}
            made |= {value.name for value in (*graph.input, *graph.initializer)}
            outer = [name for inner in graph.node for name in reads(inner)]
            names += [name for name in outer if name not in made]
    return names


def attribute(node: NodeProto, name: str, default: float | int) -> float | int:
    """A numeric attribute of `node`, or `default` where it is not given."""
    found = next((a for a in node.attribute if a.name == name), None)
    return default if found is None else helper.get_attribute_value(found)


def element_types(graph: GraphProto) -> dict[str, int]:
    """Tensor name -> ONNX element type, of every tensor whose type the graph states."""
    values = (*graph.input, *graph.output, *graph.value_info)
    types = {v.name: v.type.tensor_type.elem_type for v in values if v.type.HasField("tensor_type")}
    types.update((t.name, t.data_type) for t in graph.initializer)
    return {name: kind for name, kind in types.items() if kind != TensorProto.UNDEFINED}


def _node_names(graph: GraphProto) -> tuple[str, ...]:
    seen = Counter(node.name for node in graph.node if node.name)
    return tuple(
        node.name if seen[node.name] == 1 else f"{node.op_type}_{position}"
        for position, node in enumerate(graph.node)
    )
