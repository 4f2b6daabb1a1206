"""ShuffleNet v1: groups stay, and the least important of the channels that share theirs go."""

import pytest
import torch

from edgecv.slim.shuffled import prune_shuffled
from edgecv.slim.structure import prune_filters
from edgecv.zoo.registry import create
from edgecv.zoo.widths import widths_of
from tests.slim.zeroed import example, gone, named


@pytest.mark.parametrize("groups", [2, 3, 4, 8])
def test_groups_of_shuffled_layers_stay(groups):
    name = f"shufflenet_v1_g{groups}"
    full, net = create(name), create(name).eval()
    prune_filters(net, example(name), 0.4, "l2", multiple=1)
    for key, (inputs, outputs, parts) in (
        (k, w) for k, w in widths_of(full).items() if len(w) == 3
    ):
        fewer = widths_of(net)[key]
        assert fewer[2] == (fewer[1] if parts == inputs > groups else parts)
        assert fewer[1] < outputs or key == "fc"


def ones(net):
    return {
        k: torch.ones(m.weight.shape[0]) for k, m in net.named_modules() if hasattr(m, "weight")
    }


def test_of_channels_alike_the_unimportant_go():
    full, net = named("shufflenet_v1_tiny"), named("shufflenet_v1_tiny")
    scores = ones(net)
    scores["conv1"][::2] = 0.5
    weak = [k for k in range(32) if k // 4 % 2]  # four of each eight that both groups share
    scores["stage3.1.conv1"][weak] = 0.5
    prune_shuffled(net, 0.5, scores, 4)
    lost = gone(full, net)
    assert lost["conv1"] == list(range(0, 16, 2))
    assert lost["stage3.1.conv1"] == weak
    assert lost["stage3.1.bn1"] == lost["stage3.1.conv1"]


def test_a_layer_too_narrow_keeps_its_width():
    net = create("shufflenet_v1_tiny").eval()
    prune_shuffled(net, 0.5, ones(net), 24)
    left = widths_of(net)
    assert left["conv1"] == [3, 16, 1]
    assert left["stage2.1.conv2"] == [16, 16, 16]
    assert left["stage4.1.conv2"] == [24, 24, 24]
