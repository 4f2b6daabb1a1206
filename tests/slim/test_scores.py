"""Criteria by hand: norms of filters, means and zeros of rectified outputs."""

import pytest
import torch
from torch import nn

from edgecv.slim.scores import activation_scores, weight_scores


@pytest.fixture
def network():
    conv = nn.Conv2d(1, 2, 1, bias=False)
    conv.weight.data = torch.tensor([2.0, -1.0]).reshape(2, 1, 1, 1)
    return nn.Sequential(conv, nn.Flatten(), nn.Linear(8, 1))


def test_weight_norms(network):
    assert weight_scores(network, 1)["0"].tolist() == [2.0, 1.0]
    assert weight_scores(network, 2)["0"].tolist() == [4.0, 1.0]


def test_activations_over_all_pictures_and_positions(network):
    batches = [torch.tensor([1.0, -1.0, 3.0, 0.0]).reshape(1, 1, 2, 2), -torch.ones(1, 1, 2, 2)]
    mean = activation_scores(network, batches, "activation")["0"]
    alive = activation_scores(network, batches, "apoz")["0"]
    assert mean.tolist() == [(2 + 6) / 8, (1 + 4) / 8]
    assert alive.tolist() == [2 / 8, 5 / 8]


def test_the_normalisation_after_a_convolution_is_what_is_seen():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)).eval()
    network[1].bias.data = torch.tensor([5.0, -1e6])
    scores = activation_scores(network, [torch.randn(4, 1, 3, 3)], "apoz")["0"]
    assert scores.tolist() == [1.0, 0.0]


def test_nothing_stays_hooked(network):
    activation_scores(network, [torch.zeros(1, 1, 2, 2)], "activation")
    assert not any(layer._forward_hooks for layer in network.modules())
