"""Which nodes a builder refuses: read from its log where it names them, else by bisection.

One refused node often hides the next, so a found node is cut out (its outputs become inputs of
the graph) and the rest is tried again, until it builds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import onnx

from edgecv.check.nodes import shapes_of

_LIMIT = 64  # nodes cut out before the search gives up; a graph with more needs another plan
_OPEN = 8  # size given to an open dimension of a cut tensor


class Attempt(NamedTuple):
    """What one parse-and-build said.

    Attributes:
        ok: Whether an engine came out.
        node: The node the parser blames; empty if it names none.
        reason: The parser's or the builder's words.
    """

    ok: bool
    node: str = ""
    reason: str = ""


class Refused(NamedTuple):
    """A node the builder refused, and its words."""

    node: str
    op: str
    reason: str


Try = Callable[[onnx.ModelProto], Attempt]


def refused_nodes(model: onnx.ModelProto, attempt: Try) -> tuple[Refused, ...]:
    """All nodes that keep a graph from building.

    Args:
        model: A prepared graph (`nodes.prepared`).
        attempt: Parses and builds a graph.

    Returns:
        In the order found; empty if the graph builds. A graph that fails although no node can be
        blamed yields one entry without a node.
    """
    found: list[Refused] = []
    graph = model
    while len(found) < _LIMIT:
        said = attempt(graph)
        if said.ok:
            break
        new = _named(graph, said) or _bisected(graph, attempt, said)
        found.append(new)
        if not new.node:
            break
        graph = cut(model, {refused.node for refused in found})
        if not graph.graph.output:
            break
    return tuple(found)


def cut(model: onnx.ModelProto, names: set[str]) -> onnx.ModelProto:
    """The graph without the nodes named; what they made is fed from outside."""
    graph = model.graph
    keep = [node for node in graph.node if node.name not in names]
    lost = {name for node in graph.node if node.name in names for name in node.output if name}
    return _with(model, keep, lost)


def _named(model: onnx.ModelProto, said: Attempt) -> Refused | None:
    """The node the parser names, or whose layer the builder mentions."""
    nodes = {node.name: node for node in model.graph.node}
    name = said.node if said.node in nodes else _mentioned(said.reason, nodes)
    return Refused(name, nodes[name].op_type, _readable(said.reason)) if name else None


def _mentioned(error: str, nodes: dict[str, onnx.NodeProto]) -> str:
    words = re.split(r"[\s,:;()\[\]{}'\"]+", error)
    for word in words:
        bare = re.sub(r"_\d+$", "", word)
        name = next((n for n in (word, bare) if n in nodes), "")
        if name:
            return name
    return ""


def _readable(reason: str) -> str:
    """The part of TensorRT's words a reader needs."""
    text = re.sub(r"\s+In \w+ at /_src\S*", "", " ".join(reason.split()))
    text = re.sub(r"\[\w+\.cpp::\w+::\d+\]\s*", "", text)
    return text if text not in ("", "false") else "the parser does not know it"


def _bisected(model: onnx.ModelProto, attempt: Try, said: Attempt) -> Refused:
    """The last node of the shortest prefix that fails to build."""
    nodes = list(model.graph.node)
    reason = said.reason
    low, high = 0, len(nodes)  # the first `low` nodes build, the first `high` do not
    while high - low > 1:
        middle = (low + high) // 2
        tried = attempt(_with(model, nodes[:middle], set()))
        if tried.ok:
            low = middle
        else:
            high, reason = middle, tried.reason
    if high == len(nodes) and attempt(_with(model, nodes, set())).ok:
        return Refused("", "", _readable(reason))  # only the graph's own frame is refused
    return Refused(nodes[high - 1].name, nodes[high - 1].op_type, _readable(reason))


def _with(
    model: onnx.ModelProto, nodes: list[onnx.NodeProto], extra_inputs: set[str]
) -> onnx.ModelProto:
    """A graph of some of a graph's nodes; what only the missing ones read is an output."""
    shapes = shapes_of(model)
    wanted = _read(model.graph.node) | {value.name for value in model.graph.output}
    read = _read(nodes)
    graph = onnx.GraphProto(name=model.graph.name)
    graph.node.extend(nodes)
    graph.initializer.extend(init for init in model.graph.initializer if init.name in read)
    inputs = {value.name: value for value in model.graph.input}
    inputs |= {name: _fixed(name, shapes) for name in sorted(extra_inputs)}
    graph.input.extend(value for name, value in inputs.items() if name in read)
    made = [name for node in nodes for name in node.output if name in wanted]
    goals = {value.name for value in model.graph.output}
    ends = [name for name in made if name in goals or name not in read]
    graph.output.extend(_open(name, shapes) for name in ends)
    inside = (read | set(made)) - set(inputs) - set(ends)
    graph.value_info.extend(shapes[name] for name in sorted(inside) if name in shapes)
    return onnx.ModelProto(
        ir_version=model.ir_version, opset_import=model.opset_import, graph=graph
    )


def _read(nodes: Iterable[onnx.NodeProto]) -> set[str]:
    """Every tensor the nodes read, those inside their subgraphs too."""
    names: set[str] = set()
    for node in nodes:
        names.update(node.input)
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                names |= _read(graph.node)
                names |= {value.name for value in graph.output}
    return names


def _fixed(name: str, shapes: dict[str, onnx.ValueInfoProto]) -> onnx.ValueInfoProto:
    """Type and shape of a tensor, open dimensions fixed, so that no profile is needed."""
    known = shapes.get(name)
    if known is None:
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
    kind = known.type.tensor_type
    sides = [dim.dim_value if dim.HasField("dim_value") else _OPEN for dim in kind.shape.dim]
    return onnx.helper.make_tensor_value_info(name, kind.elem_type, sides)


def _open(name: str, shapes: dict[str, onnx.ValueInfoProto]) -> onnx.ValueInfoProto:
    """An output as it is known; what is not known is for the builder to find."""
    unknown = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
    return shapes.get(name, unknown)
