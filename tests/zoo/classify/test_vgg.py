"""VGG: the columns of Table 1."""

import pytest
import torch
from torch import nn

from edgecv.zoo.classify.vgg import VARIANTS, Vgg


@pytest.mark.parametrize(
    ("name", "layers"), [("vgg11", 11), ("vgg13", 13), ("vgg16_bn", 16), ("vgg19", 19)]
)
def test_the_number_counts_layers_with_weights(name, layers):
    with torch.device("meta"):
        net = Vgg(VARIANTS[name])
    assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in net.modules()) == layers


def test_every_pooling_halves_the_side():
    maps = Vgg(VARIANTS["vgg_tiny"], 10).features(torch.zeros(1, 3, 32, 32))
    assert {s: m.shape[2] for s, m in maps.items()} == {1: 32, 2: 16, 4: 8, 8: 4}
