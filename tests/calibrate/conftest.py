"""A two-convolution net whose inner tensors can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper


def write_net(path: Path, *, batch: int | str = 1, factor: float = 2.0) -> Path:
    """images -> (x `factor`) -> Relu -> (sum of channels) -> logits; reads `images` and `r`."""
    first = np.zeros((3, 3, 1, 1), np.float32)
    first[range(3), range(3)] = factor
    weights = {"w1": first, "w2": np.ones((2, 3, 1, 1), np.float32)}
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["images", "w1"], ["c"], name="first"),
            helper.make_node("Relu", ["c"], ["r"], name="relu"),
            helper.make_node("Conv", ["r", "w2"], ["m"], name="second"),
            helper.make_node("GlobalAveragePool", ["m"], ["p"], name="pool"),
            helper.make_node("Flatten", ["p"], ["logits"], name="flat"),
        ],
        "net",
        [helper.make_tensor_value_info("images", 1, [batch, 3, 4, 4])],
        [helper.make_tensor_value_info("logits", 1, [batch, 2])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


@pytest.fixture
def net(tmp_path):
    """The net with a fixed batch of 1."""
    return write_net(tmp_path / "model.onnx")


@pytest.fixture
def dynamic_net(tmp_path):
    """The net with a dynamic batch."""
    return write_net(tmp_path / "dynamic.onnx", batch="batch")
