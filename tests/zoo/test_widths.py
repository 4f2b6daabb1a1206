"""Narrow networks are described by their variant and the layers that differ."""

import pytest
import torch

from edgecv.errors import RecipeError, UnknownName
from edgecv.recipe import Arch
from edgecv.zoo.registry import create
from edgecv.zoo.widths import changed, narrow, network_of, sparsity, widths_of

NARROW = {
    "conv1": [3, 8, 1],
    "bn1": [8],
    "layer1.0.conv1": [8, 12, 1],
    "layer1.0.bn1": [12],
    "layer1.0.conv2": [12, 8, 1],
    "layer1.0.bn2": [8],
    "layer2.0.conv1": [8, 32, 1],
    "layer2.0.downsample.0": [8, 32, 1],
}


def test_a_recipe_describes_a_narrow_network():
    net = network_of(Arch(name="resnet_tiny", args={"classes": 10}, widths=NARROW)).eval()
    assert net(torch.zeros(1, 3, 32, 32))["logits"].shape == (1, 10)
    assert changed(net, create("resnet_tiny", classes=10)) == NARROW
    assert widths_of(net)["conv1"] == [3, 8, 1]


def test_without_widths_it_is_the_variant():
    net = network_of(Arch(name="resnet_tiny", args={"classes": 10}))
    assert changed(net, create("resnet_tiny", classes=10)) == {}


def test_geometry_stays():
    net = create("mobilenet_v1_tiny", classes=10)
    narrow(net, {"blocks.1.0.conv_dw": [8, 8, 8]})
    layer = net.blocks[1][0].conv_dw
    assert (layer.kernel_size, layer.stride, layer.padding) == ((3, 3), (2, 2), (1, 1))
    assert (layer.groups, layer.bias) == (8, None)


@pytest.mark.parametrize(
    ("widths", "error", "message"),
    [
        pytest.param({"conv9": [3, 8, 1]}, UnknownName, "conv1", id="no-layer"),
        pytest.param({"conv1": [3, 0, 1]}, RecipeError, "positive", id="zero"),
        pytest.param({"conv1": [3, 8]}, RecipeError, "do not fit the layer", id="two-values"),
        pytest.param({"conv1": [3, 8, 2]}, RecipeError, "do not fit the layer", id="groups"),
        pytest.param({"layer1": [3, 8, 1]}, RecipeError, "do not fit the layer", id="no-filters"),
    ],
)
def test_widths_that_do_not_fit_are_refused(widths, error, message):
    with pytest.raises(error, match=message):
        network_of(Arch(name="resnet_tiny", widths=widths))


def test_sparsity_counts_exact_zeros_of_weights():
    net = create("resnet_tiny", classes=10)
    assert sparsity(net) == 0
    net.fc.weight.data.zero_()
    weights = sum(p.numel() for p in net.parameters() if p.ndim > 1)
    assert sparsity(net) == pytest.approx(net.fc.weight.numel() / weights)


def test_numbers_of_a_normalisation_stay():
    net = create("resnet_tiny", classes=10)
    net.bn1.eps, net.bn1.momentum = 0.25, 0.5
    narrow(net, {"bn1": [4]})
    assert (net.bn1.num_features, net.bn1.eps, net.bn1.momentum) == (4, 0.25, 0.5)
