"""Parity is measured at the smallest and the largest batch, whatever the number of images."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv.errors import UnsupportedModel
from edgecv.export.parity import in_batches, measure
from edgecv.export.record import Source


def batch_dependent():
    """y = x + the batch size: right only at a batch of 1."""
    nodes = [
        helper.make_node("Shape", ["images"], ["shape"]),
        helper.make_node("Gather", ["shape", "first"], ["n"]),
        helper.make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["images", "f"], ["y"]),
    ]
    first = numpy_helper.from_array(np.int64(0), "first")
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3, 2, 2])
        for name in ("images", "y")
    ]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [first])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


@pytest.mark.parametrize(
    ("batches", "absolute"),
    [
        pytest.param((1, 1, 1), 0, id="only-one"),
        pytest.param((1, 1, 4), 3, id="largest"),
        pytest.param((2, 2, 2), 1, id="fixed-two"),
    ],
)
def test_every_batch_size_counts(batches, absolute):
    images = np.zeros((5, 3, 2, 2), np.float32)
    source = Source(batch_dependent(), lambda given: {"y": given + 1}, "itself", {})
    (gap,) = measure(source, images, batches)
    assert (gap.name, gap.absolute) == ("y", absolute)


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_images_come_out_in_order_whatever_the_batch(size):
    images = np.arange(5, dtype=np.float32).reshape(5, 1, 1, 1)
    seen = []

    def run(part):
        seen.append(len(part))
        return {"y": part * 2}

    np.testing.assert_array_equal(in_batches(run, images, size)["y"], images * 2)
    assert set(seen) == {size}


def test_output_without_a_batch_is_refused():
    with pytest.raises(UnsupportedModel, match="without a batch dimension"):
        in_batches(lambda part: {"y": np.zeros(3)}, np.zeros((4, 1), np.float32), 2)
