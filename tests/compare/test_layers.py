"""Inner tensors of two graphs, in the order they are computed."""

import numpy as np
import onnx
import pytest

from edgecv.compare.layers import first_divergence, layer_gaps


@pytest.fixture
def graphs(classifier, tmp_path):
    """The fp32 graph, and one whose second convolution is off by a constant factor."""
    reference = classifier.folder / "model.onnx"
    model = onnx.load(reference)
    weight = next(w for w in model.graph.initializer if w.name == "c1.weight")
    values = onnx.numpy_helper.to_array(weight) * np.float32(1.5)
    weight.CopyFrom(onnx.numpy_helper.from_array(values, "c1.weight"))
    onnx.save(model, tmp_path / "other.onnx")
    return reference, tmp_path / "other.onnx"


def test_first_divergence_is_where_the_weights_differ(graphs, rng):
    batch = rng.standard_normal((1, 3, 16, 16)).astype(np.float32)
    gaps = layer_gaps(*graphs, [batch, batch])
    assert [item.node for item in gaps][:4] == ["c0_conv", "relu0", "c1_conv", "relu1"]
    assert first_divergence(gaps, 20.0).node == "c1_conv"
    assert gaps[0].gap.largest == 0.0
    # off by one half: noise is a quarter of the signal's energy
    assert gaps[2].gap.sqnr_db == pytest.approx(10 * np.log10(4), abs=0.01)


def test_equal_graphs_do_not_diverge(graphs, rng):
    batch = rng.standard_normal((1, 3, 16, 16)).astype(np.float32)
    assert first_divergence(layer_gaps(graphs[0], graphs[0], [batch]), 20.0) is None
