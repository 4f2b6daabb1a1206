"""Self-normalising networks: zero mean and unit variance without any layer for it."""

import pytest
import torch
from torch import nn

from edgecv.zoo.classify.snn import VARIANTS, SelfNormalising


@pytest.mark.parametrize("name", ["snn_mlp", "snn_conv"])
def test_activations_stay_normalised_through_all_layers(name):
    torch.manual_seed(0)
    net = SelfNormalising(VARIANTS[name], 10).eval()
    seen = []
    for module in net.modules():
        if isinstance(module, nn.SELU):
            module.register_forward_hook(lambda _m, _i, y: seen.append((y.mean(), y.std())))
    net(torch.randn(16, 3, 32, 32))
    # the borders of padded convolutions see zeros, so their variance falls a little
    for mean, std in seen[:-1]:
        assert abs(float(mean)) < 0.25
        assert 0.6 < float(std) < 1.3


def test_weights_have_variance_one_over_fan_in():
    torch.manual_seed(0)
    layer = SelfNormalising(VARIANTS["snn_mlp"], 10).classifier[0]
    assert float(layer.weight.var()) * layer.in_features == pytest.approx(1, abs=0.02)
    assert float(layer.bias.abs().max()) == 0
