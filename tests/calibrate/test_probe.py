import numpy as np
import pytest
from onnx import helper

from edgecv.calibrate.probe import Probe
from edgecv.errors import UnsupportedModel
from edgecv.graph.read import load_graph


def test_gives_the_tensors_asked_for_and_nothing_else(net, rng):
    image = rng.normal(size=(1, 3, 4, 4)).astype(np.float32)
    probe = Probe(load_graph(net), ["images", "r", "c"])
    assert probe.names == ("r", "c")
    ((piece, (relu, conv)),) = probe.run(image)
    assert piece is image or (piece == image).all()
    np.testing.assert_allclose(conv, 2 * image, rtol=1e-6)
    np.testing.assert_allclose(relu, np.maximum(2 * image, 0), rtol=1e-6)


def test_optimisation_does_not_hide_a_fused_tensor(net, rng):
    """Conv and Relu fuse in ONNX Runtime; the convolution's own output is still right."""
    image = rng.normal(size=(1, 3, 4, 4)).astype(np.float32)
    ((_, (conv,)),) = Probe(load_graph(net), ["c"]).run(image)
    assert conv.min() < 0


def test_graph_given_is_not_changed(net):
    model = load_graph(net)
    before = model.SerializeToString()
    Probe(model, ["r"])
    assert model.SerializeToString() == before


def test_refuses_two_inputs(net):
    model = load_graph(net)
    model.graph.input.append(helper.make_tensor_value_info("more", 1, [1]))
    with pytest.raises(UnsupportedModel, match="one image input"):
        Probe(model, ["r"])
