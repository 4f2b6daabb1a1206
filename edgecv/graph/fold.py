"""Fold batch normalisation into the convolution before it.

Weight scales must be those of the folded weights, and the CPU engines fuse only a folded graph.
"""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, NodeProto, numpy_helper

from edgecv.graph.constants import drop_unread
from edgecv.graph.topology import Topology, attribute

_CONV_OUTPUT_AXIS = {"Conv": 0, "ConvTranspose": 1}


def fold_batchnorm(model: ModelProto) -> int:
    """Fold every foldable BatchNormalization of `model`, in place.

    y = gamma * (Wx + b - mean) / sqrt(var + eps) + beta, so W and b take the factor. The
    arithmetic is float64. The folded convolution's output takes the normalisation's name.

    Args:
        model: A model whose weights are stored in it.

    Returns:
        How many normalisations were folded.
    """
    topology = Topology(model)
    folded: list[NodeProto] = []
    for node in list(model.graph.node):
        norm = topology.only_reader(node.output[0]) if node.op_type in _CONV_OUTPUT_AXIS else None
        if norm is not None and _foldable(node, norm, topology):
            _fold(model, topology, node, norm)
            folded.append(norm)
    for norm in folded:
        model.graph.node.remove(norm)
    drop_unread(model)
    return len(folded)


def _foldable(node: NodeProto, norm: NodeProto, topology: Topology) -> bool:
    if norm.op_type != "BatchNormalization" or norm.input[0] != node.output[0]:
        return False
    if node.op_type == "ConvTranspose" and attribute(node, "group", 1) != 1:
        return False
    constants = [*node.input[1:], *norm.input[1:5]]
    unused = [name for name in norm.output[1:] if name and topology.consumers(name)]
    return not unused and all(topology.constant(name) is not None for name in constants if name)


def _fold(model: ModelProto, topology: Topology, node: NodeProto, norm: NodeProto) -> None:
    gamma, beta, mean, variance = (
        np.asarray(topology.constant(name), np.float64) for name in norm.input[1:5]
    )
    weight = np.asarray(topology.constant(node.input[1]))
    has_bias = len(node.input) > 2 and node.input[2]
    bias = np.asarray(topology.constant(node.input[2]), np.float64) if has_bias else 0.0

    factor = gamma / np.sqrt(variance + attribute(norm, "epsilon", 1e-5))
    shape = [1] * weight.ndim
    shape[_CONV_OUTPUT_AXIS[node.op_type]] = -1
    stored = {
        f"{norm.output[0]}.weight": weight * factor.reshape(shape),
        f"{norm.output[0]}.bias": (bias - mean) * factor + beta,
    }
    model.graph.initializer.extend(
        numpy_helper.from_array(value.astype(weight.dtype), name) for name, value in stored.items()
    )
    del node.input[1:]
    node.input.extend(stored)
    node.output[0] = norm.output[0]
