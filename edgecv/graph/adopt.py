"""Any ONNX file becomes the one form the rest of edgecv works on.

Normal form: opset >= 17, no initialiser among the inputs, constants as initialisers, every node
named once, shapes inferred, outputs equal to those of the file it came from. A model also has one
float32 image input (N, C, H, W) whose batch is fixed or a dimension named `batch`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto

from edgecv.errors import GateFailed, UnsupportedModel
from edgecv.graph.batch import set_shape
from edgecv.graph.constants import drop_weight_inputs, fold_constants
from edgecv.graph.parity import Difference, Reference, largest, probes, random_feeds, worst
from edgecv.graph.read import tensors, true_inputs
from edgecv.graph.reason import reason
from edgecv.graph.simplify import LIMIT, Tool, simplify
from edgecv.graph.upgrade import upgraded

_LARGEST = 2**29  # elements of one activation: 2 GiB in fp32


def adopt(
    model: onnx.ModelProto,
    *,
    batch: tuple[int, int, int] = (1, 1, 1),
    input_size: tuple[int, int] | None = None,
    image: str = "",
    tool: Tool = "onnxslim",
) -> onnx.ModelProto:
    """Bring a foreign vision model into the normal form; the model given is not changed.

    Args:
        model: A valid model (`graph.read.load_graph`).
        batch: (min, opt, max) batch size; equal ones fix it.
        input_size: (height, width) in pixels, for a graph that leaves them open.
        image: Name of the image input; empty: the only one there is.
        tool: Which simplifier runs.

    Raises:
        UnsupportedModel: several inputs, no image input, an operator that cannot be upgraded, a
            graph that ONNX Runtime cannot run, or one that is fixed to another batch.
        ShapeError: the size asked for is not the one the graph takes.
        GateFailed: the adopted graph computes something else.
    """
    name = image_input(model, image).name
    prepared = _prepared(model)
    set_shape(prepared, name, batch, input_size)
    counts = sorted({batch[0], batch[2]})
    return _verified(
        prepared, tool, lambda made: largest(batch_difference(model, made, n) for n in counts)
    )


def normalise(model: onnx.ModelProto, *, tool: Tool = "onnxslim") -> onnx.ModelProto:
    """The normal form of any graph, whatever its inputs are; the model given is not changed.

    Raises:
        UnsupportedModel: an operator that cannot be upgraded, or a graph that ONNX Runtime
            cannot run.
        GateFailed: the upgraded graph computes something else.
    """
    prepared = infer(_prepared(model))
    try:
        original = Reference(model)
    except UnsupportedModel:  # ONNX Runtime dropped operators older than opset 7
        original = Reference(prepared)
    feeds = probes(prepared)
    expected = [original(feed) for feed in feeds]

    def difference(made: onnx.ModelProto) -> Difference:
        run = Reference(made)
        return largest(worst(run(feed), want) for feed, want in zip(feeds, expected, strict=True))

    return _verified(prepared, tool, difference)


def image_input(model: onnx.ModelProto, name: str = "") -> onnx.ValueInfoProto:
    """The graph input that takes the image: float32, four dimensions (N, C, H, W).

    Raises:
        UnsupportedModel: none, several, or another type or layout.
    """
    inputs = true_inputs(model)
    listed = ", ".join(value.name for value in inputs) or "none"
    if name and name not in {value.name for value in inputs}:
        raise UnsupportedModel(f"the graph has no input {name!r}", inputs=listed)
    if len(inputs) != 1:
        raise UnsupportedModel(
            "the graph must have one input, the image",
            inputs=listed,
            fix="export the network with every other input folded in as a constant",
        )
    kind = inputs[0].type.tensor_type
    if kind.elem_type != TensorProto.FLOAT:
        raise UnsupportedModel(
            "the image input must be float32",
            input=inputs[0].name,
            type=TensorProto.DataType.Name(kind.elem_type),
            fix="export the network in fp32; `edgecv build` chooses the precision",
        )
    dims = [dim.dim_value or -1 for dim in kind.shape.dim]
    if len(dims) != 4 or dims[1] not in (1, 3):
        raise UnsupportedModel(
            "the image input must be (N, C, H, W) with C of 1 or 3",
            input=inputs[0].name,
            shape=dims,
            fix="export the network with the channels first",
        )
    return inputs[0]


def batch_difference(original: onnx.ModelProto, adopted: onnx.ModelProto, count: int) -> Difference:
    """How far the adopted graph lies from the original on seeded random images.

    The two may take other batch sizes: both see the same images, in as many runs as they need, and
    their outputs are joined along the first dimension.

    Args:
        original: The model as it was read; its image input may have a fixed batch.
        adopted: Its normal form.
        count: Batch size the adopted graph is run at.

    Raises:
        UnsupportedModel: ONNX Runtime cannot run one of them.
    """
    item = tensors(adopted)[0][0]
    fixed = tensors(original)[0][0].shape[0]
    given = fixed if fixed > 0 else count
    images = random_feeds(adopted, batch=math.lcm(given, count))[item.name]
    if images.shape[0] < math.lcm(given, count):  # the adopted batch is fixed
        repeats = math.lcm(given, count) // images.shape[0]
        images = np.concatenate([images * np.float32(1 - 0.1 * i) for i in range(repeats)])
    expected = _in_batches(Reference(original), item.name, images, given)
    try:
        found = _in_batches(Reference(adopted), item.name, images, count)
    except UnsupportedModel as err:
        if count == given:
            raise
        raise UnsupportedModel(
            "the graph is written for another batch size",
            graph_batch=given,
            asked_batch=count,
            reason=err.facts.get("reason", err.what),
            fix=f"set export.batch to {given}, or export the network with a dynamic batch",
        ) from err
    return worst(found, expected)


def _in_batches(run: Reference, name: str, images: np.ndarray, size: int) -> dict[str, np.ndarray]:
    parts = [run({name: images[at : at + size]}) for at in range(0, len(images), size)]
    if len(parts) == 1:
        return parts[0]
    return {key: np.concatenate([np.atleast_1d(part[key]) for part in parts]) for key in parts[0]}


def _verified(
    prepared: onnx.ModelProto, tool: Tool, measure: Callable[[onnx.ModelProto], Difference]
) -> onnx.ModelProto:
    """Simplified and held to the original; where simplifying did harm, not simplified.

    Raises:
        GateFailed: the graph computes something else even when it is not simplified.
    """
    inferred = infer(prepared)
    tools: tuple[Tool, ...] = ("none",) if tool == "none" else (tool, "none")
    for used in tools:
        result = infer(simplify(inferred, used, verify=False).model)
        name_nodes(result)
        try:
            gap = measure(result)
        except UnsupportedModel:
            if used == "none":
                raise
            continue
        if gap.relative <= LIMIT:
            return result
    raise GateFailed(
        "the adopted graph computes something else than the file",
        relative_difference=gap.relative,
        limit=LIMIT,
        fix="export the network again at opset 17 or newer, at the batch wanted",
    )


def _prepared(model: onnx.ModelProto) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    drop_weight_inputs(copy)
    copy = upgraded(copy)
    fold_constants(copy)
    return copy


def infer(model: onnx.ModelProto) -> onnx.ModelProto:
    """With shapes inferred; output sides that inference does not find are taken from a run."""
    try:
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except onnx.shape_inference.InferenceError as err:
        raise UnsupportedModel(
            "the shapes in the graph contradict each other", reason=reason(err)
        ) from err
    for value in (*model.graph.value_info, *model.graph.output):
        _require_sane(value)
    for item, value in zip(tensors(model)[1], model.graph.output, strict=True):
        if -1 in item.shape and all(-1 not in given.shape for given in tensors(model)[0]):
            found = Reference(model)(random_feeds(model))[item.name].shape
            for dim, side in zip(value.type.tensor_type.shape.dim, found, strict=True):
                dim.dim_value = side
    return model


def _require_sane(value: onnx.ValueInfoProto) -> None:
    """Refuse before a run allocates it: `Expand` to a constant shape costs a file nothing."""
    sides = [dim.dim_value for dim in value.type.tensor_type.shape.dim if dim.dim_value > 0]
    if math.prod(sides) > _LARGEST:
        raise UnsupportedModel(
            "the graph computes a tensor of absurd size",
            tensor=value.name,
            shape=sides[:8],
            limit_elements=_LARGEST,
        )


def name_nodes(model: onnx.ModelProto) -> None:
    """Give every node of the top graph a name no other has, in place; good names stay."""
    taken = {node.name for node in model.graph.node}
    seen: set[str] = set()
    for node in model.graph.node:
        if not node.name or node.name in seen:
            stem = node.name or f"{node.op_type}_{node.output[0]}"
            names = (f"{stem}_{i}" if i else stem for i in range(len(model.graph.node) + 1))
            node.name = next(name for name in names if name not in taken)
            taken.add(node.name)
        seen.add(node.name)
