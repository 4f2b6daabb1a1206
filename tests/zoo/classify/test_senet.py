"""Squeeze-and-excitation: a gate per channel."""

import torch
from torch import nn

from edgecv.zoo.classify.senet import VARIANTS, SeNet, SqueezeExcite


def test_gate_scales_whole_channels():
    gate = SqueezeExcite(32).eval()
    x = torch.randn(2, 32, 5, 7)
    ratio = gate(x) / x
    torch.testing.assert_close(ratio, ratio[:, :, :1, :1].expand_as(ratio), rtol=1e-4, atol=1e-4)
    assert bool((ratio > 0).all())
    assert bool((ratio < 1).all())


def test_an_open_gate_leaves_the_plain_block():
    from edgecv.zoo.classify.resnet import BasicBlock

    net = SeNet(VARIANTS["seresnet_tiny"], 10).eval()
    block = net.layer1[0]
    nn.init.zeros_(block.se.fc2.weight)
    nn.init.constant_(block.se.fc2.bias, 50.0)  # sigmoid(50) is 1
    plain = BasicBlock(16, 16, 1, None).eval()
    plain.load_state_dict({k: v for k, v in block.state_dict().items() if ".fc" not in k})
    x = torch.randn(1, 16, 8, 8)
    torch.testing.assert_close(block(x), plain(x))


def test_instance_normalisation_leaves_a_gate_nothing_to_see():
    """What the module's docstring warns of: the mean of a normalised channel is its bias."""
    block = SeNet(VARIANTS["seresnet_tiny"], 10, "instance").eval().layer1[0]
    seen = []
    block.se.fc1.register_forward_pre_hook(lambda _m, x: seen.append(x[0]))
    for _ in range(2):
        block(torch.randn(1, 16, 8, 8))
    torch.testing.assert_close(seen[0], seen[1], rtol=0, atol=1e-5)
