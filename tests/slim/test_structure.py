"""Filters are really gone, the unimportant ones, in every kind of network."""

import copy

import pytest
import torch
from torch import nn

from edgecv.errors import UnknownName, UnsupportedModel, UsageError
from edgecv.slim.structure import prune_filters
from edgecv.zoo.registry import create, variants
from edgecv.zoo.widths import changed, narrow
from tests.slim.zeroed import example, gap, gone, named, zeroed

# every family: residuals, concatenations, groups, depthwise layers, gates, shuffles, wiring
NETS = [*(name for name in variants() if name.endswith("_tiny")), "resnet20"]
LESS = {"snn_mlp_tiny": 0.5, "resnet20": 0.42}  # its inputs, its padded shortcuts keep their width
SHUFFLED = [f"shufflenet_v1_g{groups}" for groups in (1, 2, 3, 4, 8)] + ["shufflenet_v2_x0_5"]


@pytest.mark.parametrize("name", NETS + SHUFFLED)
def test_what_is_left_computes_what_the_full_network_does_without_the_rest(name):
    full, x = named(name), example(name)
    slim = prune_filters(copy.deepcopy(full), x, 0.5, "l2")
    size = sum(p.numel() for p in slim.parameters()) / sum(p.numel() for p in full.parameters())
    assert size < (0.31 if name not in LESS else LESS[name])
    with torch.no_grad():
        found, expected = slim(x), zeroed(full, gone(full, slim))(x)
    # the windows of a response normalisation reach over channels that are gone
    assert gap(found, expected) < (1e-3 if "lrn" in name else 1e-5)


@pytest.mark.parametrize("name", NETS + SHUFFLED)
def test_network_is_described_by_what_is_left_and_can_be_pruned_again(name):
    x = example(name)
    net = create(name, classes=10).eval()
    for share in (0.3, 0.4):
        prune_filters(net, x, share, "l1")
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


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, float("nan")])
def test_refuses_a_share_that_is_none(share):
    with pytest.raises(UsageError, match="lies between 0 and 1"):
        prune_filters(create("vgg_tiny"), example("x"), share, "l1")


def test_refuses_to_remove_nothing():
    with pytest.raises(UsageError, match=r"a filter to spare[\s\S]*lower --multiple"):
        prune_filters(create("vgg_tiny").eval(), example("x"), 0.5, "l1", multiple=1000)


def test_refuses_an_unknown_criterion():
    with pytest.raises(UnknownName, match=r"unknown criterion 'l3'\s+nearest: l2, l1"):
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
