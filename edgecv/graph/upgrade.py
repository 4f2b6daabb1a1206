"""Old operator sets become opset 17, the newest that TensorRT 8.5 and 8.6 parse."""

from __future__ import annotations

import onnx
from onnx import version_converter

from edgecv.errors import UnsupportedModel
from edgecv.graph.read import initialisers, opset
from edgecv.graph.reason import reason

OPSET = 17
_IR = 8  # the file format version that came with opset 17
_NUMPY_BROADCAST = 7  # before it, a PRelu slope (C,) meant the channel axis


def upgraded(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model at opset 17 or newer; it may be changed in place.

    Raises:
        UnsupportedModel: an operator changed in a way that the converter cannot express.
    """
    if opset(model) < _NUMPY_BROADCAST:
        _spread_slopes(model)
    if opset(model) < OPSET:
        try:
            model = version_converter.convert_version(model, OPSET)
        except Exception as err:  # the converter raises bare RuntimeError and C++ types
            raise UnsupportedModel(
                f"the graph cannot be upgraded from opset {opset(model)} to {OPSET}",
                reason=reason(err),
                fix=f"export the network again at opset {OPSET} or newer",
            ) from err
    model.ir_version = max(model.ir_version, _IR)
    return model


def _spread_slopes(model: onnx.ModelProto) -> None:
    """Give per-channel PRelu slopes the shape (C, 1, 1), which onnx's converter forgets."""
    weights = initialisers(model)
    known = onnx.shape_inference.infer_shapes(model).graph
    ranks = {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in (*known.value_info, *known.input)
    }
    for node in model.graph.node:
        if node.op_type != "PRelu" or node.input[1] not in weights:
            continue
        slope = weights[node.input[1]]
        if len(slope.dims) == 1 and slope.dims[0] > 1:
            slope.dims.extend([1] * (ranks.get(node.input[0], 4) - 2))
