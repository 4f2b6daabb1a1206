"""Where a typed graph leaves the fp32 one: every tensor both have, in topological order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx

from edgecv.compare.differences import TensorGap
from edgecv.graph.parity import Reference
from edgecv.graph.read import load_graph
from edgecv.graph.topology import element_types

Array = npt.NDArray[Any]
_FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16}


class LayerGap(NamedTuple):
    """One node's output, compared.

    Attributes:
        node: Name of the node in the fp32 graph.
        op: Its operator.
        gap: Differences of its output, all that came before it included.
    """

    node: str
    op: str
    gap: TensorGap


def layer_gaps(reference: Path, typed: Path, batches: Iterable[Array]) -> list[LayerGap]:
    """Run both graphs in ONNX Runtime and compare every tensor that carries the same name.

    Args:
        reference: The fp32 graph.
        typed: The typed graph made from it.
        batches: (N, C, H, W) float32 network inputs.

    Returns:
        In the fp32 graph's topological order.

    Raises:
        UnsupportedModel: ONNX Runtime cannot run one of them.
    """
    first, second = load_graph(reference), load_graph(typed)
    shared = _floats(first) & _floats(second)
    names = [name for node in first.graph.node for name in node.output[:1] if name in shared]
    run_first, run_second = _exposed(first, names), _exposed(second, names)
    gaps = {name: TensorGap() for name in names}
    for batch in batches:
        wanted, got = run_first(batch), run_second(batch)
        for name in names:
            gaps[name].add(got[name], wanted[name])
    made = {node.output[0]: node for node in first.graph.node if node.output}
    return [LayerGap(made[name].name, made[name].op_type, gaps[name]) for name in names]


def first_divergence(gaps: Sequence[LayerGap], below_db: float) -> LayerGap | None:
    """The first node whose output's signal-to-noise ratio is below a limit."""
    return next((item for item in gaps if item.gap.sqnr_db < below_db), None)


def _floats(model: onnx.ModelProto) -> set[str]:
    """Names of the float tensors nodes make."""
    try:
        inferred = onnx.shape_inference.infer_shapes(model)
    except onnx.shape_inference.InferenceError:
        inferred = model
    types = element_types(inferred.graph)
    made = {name for node in model.graph.node for name in node.output}
    return {name for name in made if types.get(name) in _FLOATS}


class _Exposed:
    """A graph in ONNX Runtime with inner tensors among its outputs."""

    def __init__(self, model: onnx.ModelProto, names: Sequence[str]) -> None:
        inferred = onnx.shape_inference.infer_shapes(model)
        types = element_types(inferred.graph)
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        there = {value.name for value in copy.graph.output}
        copy.graph.output.extend(
            onnx.helper.make_tensor_value_info(name, types[name], None)
            for name in names
            if name not in there
        )
        constants = {init.name for init in copy.graph.initializer}
        (self._input,) = [v.name for v in copy.graph.input if v.name not in constants]
        self._run = Reference(copy)

    def __call__(self, batch: Array) -> dict[str, Array]:
        values = self._run({self._input: np.ascontiguousarray(batch, np.float32)})
        return {name: np.asarray(value) for name, value in values.items()}


def _exposed(model: onnx.ModelProto, names: Sequence[str]) -> _Exposed:
    return _Exposed(model, names)
