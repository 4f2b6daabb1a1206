"""The nine light_*.onnx files inside the onnx package, with weights worth comparing.

They are published networks whose weights are ConstantOfShape nodes (all values equal, so every
output is too). Each constant is replaced by seeded random values that keep activations in range.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from edgecv.graph.read import load_graph

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
NAMES = (
    "bvlc_alexnet",
    "densenet121",
    "inception_v1",
    "inception_v2",
    "resnet50",
    "shufflenet",
    "squeezenet",
    "vgg19",
    "zfnet512",
)
CLASSES = 1000
HIDDEN, NARROW = 4096, 256  # fully connected widths of AlexNet, VGG-19 and ZFNet, and ours


def light_model(name: str, *, narrow: bool = True, seed: int = 0) -> onnx.ModelProto:
    """One of NAMES with seeded weights, otherwise as published (opset 9, IR 3).

    Args:
        name: Of the network.
        narrow: Give fully connected layers 256 units instead of 4096: with all 4096 three of the
            networks take 230 to 550 MB each, which no test should.
        seed: Of the weights.
    """
    model = load_graph(FOLDER / f"light_{name}.onnx")
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    if narrow:
        _narrow(model, stored)
    rng = np.random.default_rng(seed)
    uses = _uses(model)
    residual = any(node.op_type == "Sum" for node in model.graph.node)
    kept = []
    for node in model.graph.node:
        if node.op_type != "ConstantOfShape":
            kept.append(onnx.NodeProto.FromString(node.SerializeToString()))
            continue
        shape = [int(side) for side in numpy_helper.to_array(stored[node.input[0]])]
        weight = _weight(rng, shape, uses.get(node.output[0], ("", 0)), residual)
        model.graph.initializer.append(numpy_helper.from_array(weight, node.output[0]))
        entry = onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, shape)
        model.graph.input.append(entry)  # as IR version 3 wants it
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return model


def _narrow(model: onnx.ModelProto, stored: dict[str, onnx.TensorProto]) -> None:
    for node in model.graph.node:
        if node.op_type == "ConstantOfShape":
            shape = stored[node.input[0]]
            sides = numpy_helper.to_array(shape)
            thin = np.where(sides == HIDDEN, NARROW, sides)
            shape.CopyFrom(numpy_helper.from_array(thin, shape.name))


def _uses(model: onnx.ModelProto) -> dict[str, tuple[str, int]]:
    """Tensor -> (operator, input index) of its reader, seen through Unsqueeze."""
    uses = {}
    for node in reversed(model.graph.node):
        for index, name in enumerate(node.input):
            passed = uses.get(node.output[0]) if node.op_type == "Unsqueeze" else None
            uses[name] = passed or (node.op_type, index)
    return uses


def _weight(
    rng: np.random.Generator, shape: list[int], use: tuple[str, int], residual: bool
) -> np.ndarray:
    if len(shape) > 1:  # He et al., arXiv:1502.01852: keeps the scale through ReLU
        fan_in = int(np.prod(shape[1:]))
        last = 0.2 if len(shape) == 2 and shape[0] == CLASSES else 1.0  # no one-hot softmax
        return rng.normal(0, last * np.sqrt(2 / fan_in), shape).astype(np.float32)
    gains = use in (("BatchNormalization", 1), ("Mul", 0), ("Mul", 1))
    low, high = (0.7, 1.3) if gains or use == ("BatchNormalization", 4) else (-0.1, 0.1)
    if gains and residual:  # else every block doubles the variance
        low, high = 0.3, 0.6
    return rng.uniform(low, high, shape).astype(np.float32)
