"""ShuffleNet v2: every filter left is read by the unit that read it before."""

import torch

from edgecv.slim.split import prune_split
from edgecv.zoo.registry import create
from edgecv.zoo.widths import widths_of
from tests.slim.zeroed import gone, named


def scores(net):
    return {
        k: torch.ones(m.weight.shape[0]) for k, m in net.named_modules() if hasattr(m, "weight")
    }


def test_of_filters_read_by_one_unit_the_unimportant_go():
    full, net = named("shufflenet_v2_tiny"), named("shufflenet_v2_tiny")
    given = scores(net)
    # of 48 filters the first half passes the second unit of its stage, the other half it reads
    given["stage3.0.branch1.2"][:12] = given["stage3.0.branch1.2"][36:] = 0.5
    given["stage3.0.branch1.2"][36:] = 0.5
    given["stage2.1.branch2.0"][::2] = 0.5
    prune_split(net, 0.5, given, 4)
    lost = gone(full, net)
    assert lost["stage3.0.branch1.2"] == [*range(12), *range(36, 48)]
    assert lost["stage3.0.branch1.3"] == lost["stage3.0.branch1.2"]
    assert lost["stage2.1.branch2.0"] == list(range(0, 24, 2))


def test_widths_are_multiples_where_that_is_possible():
    net = create("shufflenet_v2_x0_5").eval()
    prune_split(net, 0.5, scores(net), 16)
    left = widths_of(net)
    assert left["conv1.0"] == [3, 16, 1]
    assert left["stage2.1.branch2.0"] == [16, 16, 1]
    assert left["stage4.1.branch2.0"] == [48, 48, 1]
    assert left["conv5.0"] == [96, 512, 1]
