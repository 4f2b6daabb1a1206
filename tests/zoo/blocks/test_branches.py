"""Branches of one input stand side by side."""

import torch
from torch import nn

from edgecv.zoo.blocks.branches import Branches


def test_branches_stand_side_by_side_in_their_order():
    block = Branches(one=nn.Identity(), two=nn.ReLU())
    x = torch.tensor([-1.0, 2.0]).reshape(1, 2, 1, 1)
    assert block(x).flatten().tolist() == [-1, 2, 0, 2]


def test_names_are_state_dict_keys():
    block = Branches(branch1x1=nn.Conv2d(2, 3, 1), pool=nn.AvgPool2d(1))
    assert list(block.state_dict()) == ["branch1x1.weight", "branch1x1.bias"]
    assert block(torch.zeros(2, 2, 4, 5)).shape == (2, 3 + 2, 4, 5)
