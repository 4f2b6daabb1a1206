"""Filters are really gone, the unimportant ones, in every kind of network."""

import pytest
import torch
from torch import nn

from edgecv.errors import UnsupportedModel, UsageError
from edgecv.slim.structure import output_layers, prune_filters
from edgecv.zoo.registry import create
from edgecv.zoo.widths import changed, narrow

# residuals, concatenations, groups, depthwise layers, gates, shuffles, a detector
NETS = [
    "resnet_tiny", "resnet20", "googlenet_tiny", "densenet_tiny", "resnext_tiny",
    "mobilenet_v1_tiny", "seresnet_tiny", "shufflenet_v2_tiny", "squeezenet_tiny", "snn_mlp_tiny",
    "centernet_tiny",
]  # fmt: skip


def example(name):
    side = 64 if name.startswith("centernet") else 32
    return torch.randn(1, 3, side, side)


@pytest.mark.parametrize("name", NETS)
def test_half_of_the_filters_go_and_the_network_is_described_by_what_is_left(name):
    torch.manual_seed(0)
    net, x = create(name, classes=10).eval(), example(name)
    full = sum(p.numel() for p in net.parameters())
    prune_filters(net, x, 0.5, "l2")
    assert sum(p.numel() for p in net.parameters()) < 0.62 * full
    again = create(name, classes=10)
    narrow(again, changed(net, create(name, classes=10)))
    again.load_state_dict(net.state_dict())
    for role, expected in net(x).items():
        torch.testing.assert_close(again.eval()(x)[role], expected)


def test_the_weakest_filters_go():
    net = create("vgg_tiny", classes=10).eval()
    strong = torch.arange(16) % 2 == 0
    net.features[0].weight.data[~strong] *= 1e-3
    kept = net.features[0].weight.detach()[strong].clone()
    prune_filters(net, example("vgg_tiny"), 0.5, "l1")
    torch.testing.assert_close(net.features[0].weight.detach(), kept)


def test_filters_that_never_fire_go_by_apoz():
    net = create("vgg_tiny", classes=10).eval()
    net.features[1].bias.data[:8] = -1e6  # dead after the normalisation
    weights = net.features[0].weight.detach()[8:].clone()
    prune_filters(net, example("vgg_tiny"), 0.5, "apoz", pictures=[torch.randn(4, 3, 32, 32)])
    torch.testing.assert_close(net.features[0].weight.detach(), weights)


def test_layers_whose_channels_are_outputs_keep_them():
    net = create("centernet_tiny", classes=3).eval()
    found = {n for n, m in net.named_modules() if m in output_layers(net, example("centernet"))}
    assert found == {"hm.2", "wh.2", "reg.2"}
    squeeze = create("squeezenet_tiny", classes=7).eval()
    assert output_layers(squeeze, example("x")) == [squeeze.classifier[1]]


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5])
def test_refuses_a_share_that_is_none(share):
    with pytest.raises(UsageError, match="lies between 0 and 1"):
        prune_filters(create("vgg_tiny"), example("x"), share, "l1")


def test_refuses_an_unknown_criterion():
    with pytest.raises(UsageError, match=r"unknown criterion[\s\S]*apoz"):
        prune_filters(create("vgg_tiny"), example("x"), 0.5, "l3")


def test_network_that_cannot_be_followed_is_told():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 8, 1), nn.Linear(8, 2)

        def forward(self, x):
            x = self.conv(x).mean((2, 3))
            return {"logits": self.fc(x[:, torch.tensor([7, 6, 5, 4, 3, 2, 1, 0])])}

    with pytest.raises(UnsupportedModel, match="cannot be"):
        prune_filters(Odd().eval(), example("x"), 0.5, "l1")
