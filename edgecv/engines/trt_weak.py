"""TensorRT 8.5 and 8.6 have no strong typing: precision is a wish, unless every layer states it."""

from __future__ import annotations

from typing import Any

from edgecv.engines.trt_api import member, tag

# Layers that compute on floats: stating fp16 here leaves shape arithmetic alone.
_COMPUTING = (
    "CONVOLUTION DECONVOLUTION FULLY_CONNECTED MATRIX_MULTIPLY ACTIVATION POOLING ELEMENTWISE "
    "UNARY REDUCE SCALE SOFTMAX RESIZE CONCATENATION NORMALIZATION LRN PARAMETRIC_RELU"
).split()


def constrain_layers(trt: Any, network: Any) -> int:
    """State fp16 for every float layer of a weakly typed network; its outputs stay fp32.

    Without this and OBEY_PRECISION_CONSTRAINTS, the builder mixes fp32 and fp16 as it likes. Layers
    between Quantize and Dequantize run in int8 whatever is stated, since the graph is explicit.

    Args:
        trt: The TensorRT module (8.5 or 8.6).
        network: The parsed network.

    Returns:
        How many layers were stated.
    """
    kinds = {member(trt.LayerType, name) for name in _COMPUTING} - {None}
    outputs = {network.get_output(index).name for index in range(network.num_outputs)}
    stated = 0
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        if layer.type not in kinds:
            continue
        made = [layer.get_output(at) for at in range(layer.num_outputs)]
        if any(tag(tensor.dtype) != "FLOAT" for tensor in made):
            continue
        layer.precision = trt.DataType.HALF
        stated += 1
        for at, tensor in enumerate(made):
            if tensor.name not in outputs:
                layer.set_output_type(at, trt.DataType.HALF)
    return stated
