"""What each int8 node costs: the noise that leaves the outputs when it alone stays in float.

`layer_gaps` says where noise shows; a node late in the graph looks bad for what came before it.
Here one node at a time reads its float data and its float weight, and the outputs are compared with
the fp32 graph's: what is gained is what `build.keep` would gain.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from edgecv.compare.differences import EXACT_DB, TensorGap
from edgecv.errors import UnsupportedModel
from edgecv.graph.fold import fold_batchnorm
from edgecv.graph.parity import Reference
from edgecv.graph.read import load_graph
from edgecv.graph.topology import Topology
from edgecv.progress import track

Array = npt.NDArray[Any]
Outputs = list[dict[str, Array]]
_WEIGHT = "edgecv/float_weight"


class NodeCost(NamedTuple):
    """One quantised node.

    Attributes:
        node: Its name.
        op: Its operator.
        sqnr_db: Of the graph's outputs, with this node alone in float.
        gain_db: How much more that is than with every node in int8.
    """

    node: str
    op: str
    sqnr_db: float
    gain_db: float


class Costs(NamedTuple):
    """What int8 costs a graph, and each node's part.

    Attributes:
        sqnr_db: Of the graph's outputs as it is: mean noise of the outputs relative to each.
        nodes: The quantised nodes, the one to keep in float first.
    """

    sqnr_db: float
    nodes: tuple[NodeCost, ...]


def node_costs(reference: Path, typed: Path, batches: Iterable[Array]) -> Costs:
    """Leave each quantised node in float in turn; the others stay in int8.

    Args:
        reference: The fp32 graph that `typed` was made from.
        typed: A graph with QuantizeLinear and DequantizeLinear.
        batches: (N, C, H, W) float32 network inputs; kept in memory.

    Returns:
        The costs; no nodes where nothing is quantised.

    Raises:
        UnsupportedModel: ONNX Runtime cannot run one of the graphs, or they do not belong together.
    """
    full, graph = load_graph(reference), load_graph(typed)
    fold_batchnorm(full)
    inputs = list(batches)
    wanted = _outputs(full, inputs)
    whole = _sqnr(_outputs(graph, inputs), wanted)
    found = []
    for node, position in track(list(_quantized(graph)), "one node in float at a time"):
        left = _left_in_float(graph, full, position)
        got = _sqnr(_outputs(left, inputs), wanted)
        found.append(NodeCost(node.name, node.op_type, got, got - whole))
    return Costs(whole, tuple(sorted(found, key=lambda cost: -cost.gain_db)))


def _quantized(model: onnx.ModelProto) -> Iterator[tuple[onnx.NodeProto, int]]:
    """Nodes whose data and weight both come from a DequantizeLinear, with their positions."""
    topology = Topology(model)
    for position, node in enumerate(model.graph.node):
        makers = [topology.producer(name) for name in node.input[:2]]
        if node.op_type == "Add" or len(makers) < 2:
            continue
        if all(maker is not None and maker.op_type == "DequantizeLinear" for maker in makers):
            yield node, position


def _left_in_float(graph: onnx.ModelProto, full: onnx.ModelProto, position: int) -> onnx.ModelProto:
    """A copy whose node at `position` reads what it reads in the fp32 graph."""
    topology, original = Topology(graph), Topology(full)
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    node = copy.graph.node[position]
    twin = original.producer(node.output[0])
    weight = original.constant(twin.input[1]) if twin is not None else None
    data, dequantizer = (topology.producer(name) for name in node.input[:2])
    quantizer = topology.producer(data.input[0]) if data is not None else None
    if weight is None or quantizer is None or dequantizer is None:
        raise UnsupportedModel(
            "the int8 graph was not made from this fp32 graph",
            node=node.name,
            fix="edgecv export RECIPE, then build both anew",
        )
    scale = topology.constant(dequantizer.input[1])
    dtype = np.float32 if scale is None else scale.dtype
    copy.graph.initializer.append(numpy_helper.from_array(weight.astype(dtype), _WEIGHT))
    node.input[0], node.input[1] = quantizer.input[0], _WEIGHT
    return copy


def _outputs(model: onnx.ModelProto, inputs: Sequence[Array]) -> Outputs:
    run = Reference(model)
    (name,) = Topology(model).inputs
    return [run({name: np.ascontiguousarray(batch, np.float32)}) for batch in inputs]


def _sqnr(got: Outputs, wanted: Outputs) -> float:
    """In dB; the outputs count alike, whatever their scales."""
    gaps = {name: TensorGap() for name in wanted[0]}
    for values, references in zip(got, wanted, strict=True):
        for name, gap in gaps.items():
            gap.add(values[name], references[name])
    shares = [10 ** (-gap.sqnr_db / 10) for gap in gaps.values()]
    mean = sum(shares) / len(shares)
    return min(EXACT_DB, -10 * math.log10(mean)) if mean > 0 else EXACT_DB
