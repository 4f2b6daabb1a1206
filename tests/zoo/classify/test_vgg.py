"""VGG: the columns of Table 1."""

import pytest
import torch
from torch import nn

from edgecv.zoo.classify.vgg import VARIANTS, Vgg
from edgecv.zoo.registry import create, variants


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


@pytest.mark.parametrize(
    "name", [n for n, v in variants().items() if v.task == "classify" and "snn" not in n]
)
def test_no_dropout_stands_before_a_normalisation(name):
    """Li et al., arXiv:1801.05134: it would shift the variance that the normalisation learned."""
    with torch.device("meta"):
        net = create(name)
    order = [m for m in net.modules() if isinstance(m, nn.Dropout | nn.BatchNorm2d)]
    order = [m for m in order if not (isinstance(m, nn.Dropout) and m.p == 0.7)]  # aux: own branch
    kinds = [type(m) for m in order]
    after = kinds[kinds.index(nn.Dropout) :] if nn.Dropout in kinds else []
    assert nn.BatchNorm2d not in after
