"""A row of layers hands out what it computes at each stride."""

import torch
from torch import nn

from edgecv.zoo.blocks.features import Features, last


def test_features_keep_what_ends_a_stride():
    layers = {"a": nn.Identity(), "pool": nn.MaxPool2d(2), "b": nn.Identity()}
    maps = Features(layers, {"a": 1, "b": 2})(torch.zeros(1, 4, 6, 6))
    assert {s: m.shape[2] for s, m in maps.items()} == {1: 6, 2: 3}
    assert last(maps) is maps[2]


def test_a_layer_that_ends_no_stride_is_computed_and_not_kept():
    layers = {"a": nn.ReLU(), "pool": nn.AvgPool2d(2), "end": nn.Hardtanh(0, 3)}
    net = Features(layers, {"a": 1, "end": 2})
    x = torch.tensor([[-1.0, 4.0], [8.0, 4.0]])[None, None]
    maps = net(x)
    assert list(maps) == [1, 2]
    assert maps[1].flatten().tolist() == [0, 4, 8, 4]
    assert maps[2].flatten().tolist() == [3]  # the mean is 4
    assert list(net.state_dict()) == []
    assert [name for name, _ in net.named_children()] == ["a", "pool", "end"]


def test_the_last_is_the_coarsest_whatever_the_order():
    maps = {32: torch.zeros(1), 8: torch.ones(1), 16: torch.ones(1)}
    assert last(maps) is maps[32]
