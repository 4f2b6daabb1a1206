"""Blocks that several architectures share."""

import pytest
import torch
from torch import nn

from edgecv.zoo.blocks.branches import Branches
from edgecv.zoo.blocks.conv_norm import ConvNorm, same
from edgecv.zoo.blocks.features import Features, last
from edgecv.zoo.blocks.widths import slim


def test_features_keep_what_ends_a_stride():
    layers = {"a": nn.Identity(), "pool": nn.MaxPool2d(2), "b": nn.Identity()}
    maps = Features(layers, {"a": 1, "b": 2})(torch.zeros(1, 4, 6, 6))
    assert {s: m.shape[2] for s, m in maps.items()} == {1: 6, 2: 3}
    assert last(maps) is maps[2]


def test_branches_stand_side_by_side_in_their_order():
    block = Branches(one=nn.Identity(), two=nn.ReLU())
    x = torch.tensor([-1.0, 2.0]).reshape(1, 2, 1, 1)
    assert block(x).flatten().tolist() == [-1, 2, 0, 2]


def test_conv_norm_rectifies_and_has_no_bias():
    layer = same(3, 8, (1, 7)).eval()
    y = layer(torch.randn(2, 3, 9, 9))
    assert y.shape == (2, 8, 9, 9)
    assert float(y.detach().min()) >= 0
    assert ConvNorm(3, 8, 3).conv.bias is None


@pytest.mark.parametrize(
    ("width", "share", "channels"), [(48, 1.0, 48), (48, 0.25, 16), (32, 0.125, 8), (20, 1.0, 20)]
)
def test_slim_widths_are_multiples_of_8(width, share, channels):
    assert slim(width, share) == channels
