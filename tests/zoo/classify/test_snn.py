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


def test_selu_has_the_constants_of_the_paper():
    scale, alpha = 1.0507009873554805, 1.6732632423543772  # section 2, equation 14 of the appendix
    x = torch.tensor([-3.0, -0.5, 0.0, 0.5, 3.0], dtype=torch.float64)
    expected = scale * torch.where(x > 0, x, alpha * (x.exp() - 1))
    (layer, *_) = [m for m in SelfNormalising(VARIANTS["snn_mlp"]).modules() if type(m) is nn.SELU]
    torch.testing.assert_close(layer(x), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["snn_mlp", "snn_conv"])
def test_alpha_dropout_keeps_mean_and_variance_and_only_in_training(name):
    torch.manual_seed(0)
    found = [m for m in SelfNormalising(VARIANTS[name]).modules() if isinstance(m, nn.AlphaDropout)]
    assert len(found) == len(VARIANTS[name].hidden)
    assert {m.p for m in found} == {0.05}
    x = torch.randn(400_000)
    y = found[0].train()(x)
    assert int((y != x).sum()) > 0
    assert abs(float(y.mean())) < 0.01
    assert abs(float(y.var()) - 1) < 0.01
    assert torch.equal(found[0].eval()(x), x)


def test_no_normalisation_and_no_plain_dropout():
    for name in VARIANTS:
        kinds = {type(m) for m in SelfNormalising(VARIANTS[name]).modules()}
        assert not kinds & {nn.Dropout, nn.BatchNorm2d, nn.ReLU}
