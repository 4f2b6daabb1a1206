"""Give a graph the batch and the image size asked for."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from edgecv.errors import ShapeError
from edgecv.graph.read import initialisers

BATCH = "batch"  # name of the dynamic dimension


def set_shape(
    model: onnx.ModelProto, name: str, batch: tuple[int, int, int], size: tuple[int, int] | None
) -> None:
    """Set the shape of input `name` to (batch, C, H, W), in place; forget what followed from it.

    A fixed batch that is written into Reshape targets is replaced by "as the input has". That the
    graph still computes the same is for the caller to prove.

    Args:
        model: Its constants must be initialisers.
        name: A four-dimensional graph input.
        batch: (min, opt, max); equal ones fix it, others make it the dimension `batch`.
        size: (height, width) for a graph that leaves them open.

    Raises:
        ShapeError: the graph is fixed to another size, or leaves it open and none is given.
    """
    value = next(value for value in model.graph.input if value.name == name)
    dims = value.type.tensor_type.shape.dim
    given = dims[0].dim_value if dims[0].HasField("dim_value") else 0
    _set_size(name, dims, size)
    low, _, high = batch
    if low == high:
        dims[0].dim_value = high
    else:
        dims[0].dim_param = BATCH
    if given and (low, high) != (given, given):
        _free_reshapes(model, given)
    del model.graph.value_info[:]
    for output in model.graph.output:
        for dim in output.type.tensor_type.shape.dim:
            dim.Clear()  # inferred anew


def _set_size(name: str, dims: list, size: tuple[int, int] | None) -> None:
    given = tuple(dim.dim_value if dim.HasField("dim_value") else 0 for dim in dims[2:])
    if size is None and not all(given):
        raise ShapeError(
            "the graph leaves the image size open",
            input=name,
            fix="give it: `input: {size: [H, W]}` in the recipe, or --size HxW",
        )
    for dim, had, wanted in zip(dims[2:], given, size or given, strict=True):
        if had and had != wanted:
            raise ShapeError(
                "the graph is fixed to another image size",
                input=name,
                graph_height_width=given,
                asked_height_width=size,
                fix=f"set input.size to {list(given)}, or export the network at the size wanted",
            )
        dim.dim_value = wanted


def _free_reshapes(model: onnx.ModelProto, given: int) -> None:
    """Write 0 (as in the input) where a Reshape target starts with the old fixed batch."""
    constants = initialisers(model)
    for index, node in enumerate(model.graph.node):
        if (
            node.op_type != "Reshape"
            or node.input[0] in constants
            or node.input[1] not in constants
        ):
            continue
        target = numpy_helper.to_array(constants[node.input[1]])
        keeps_zero = any(item.name == "allowzero" and item.i for item in node.attribute)
        if target.size < 2 or target[0] != given or keeps_zero:
            continue
        freed = np.concatenate([np.zeros(1, np.int64), target[1:]])
        name = f"{node.input[1]}_free_batch_{index}"
        model.graph.initializer.append(numpy_helper.from_array(freed, name))
        node.input[1] = name
