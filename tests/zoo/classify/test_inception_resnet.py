"""Inception-ResNet: the sizes of Figure 15, and what a residual module computes."""

import pytest
import torch
from torch import nn

from edgecv.zoo.classify.inception_resnet import VARIANTS, InceptionResNet, Residual


@pytest.mark.parametrize(
    ("name", "channels"),
    [("inception_resnet_v1", [256, 896, 1792]), ("inception_resnet_v2", [320, 1088, 1536])],
)
def test_299_pixels_give_the_maps_of_figure_15(name, channels):
    with torch.device("meta"):
        maps = InceptionResNet(VARIANTS[name]).features(torch.empty(1, 3, 299, 299))
    found = [tuple(maps[stride].shape[1:]) for stride in (8, 16, 32)]
    assert found == [(c, side, side) for c, side in zip(channels, (35, 17, 8), strict=True)]


def test_residual_is_scaled_and_added():
    block = Residual(4, (nn.Identity(),), 4, 0.5, relu=False)
    nn.init.dirac_(block.conv2d.weight)
    nn.init.zeros_(block.conv2d.bias)
    x = torch.tensor([-1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1, 1)
    assert block(x).flatten().tolist() == [-1.5, 3.0, 4.5, 6.0]
    block.relu = True
    assert block(x).flatten().tolist() == [0.0, 3.0, 4.5, 6.0]
