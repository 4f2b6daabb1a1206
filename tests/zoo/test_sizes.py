"""Sizes a network cannot take are told before anything is computed."""

import pytest
import torch

from edgecv.errors import ShapeError
from edgecv.zoo.registry import create
from edgecv.zoo.sizes import check_input, smallest_side


@pytest.mark.parametrize(
    ("name", "side"), [("alexnet", 63), ("vgg_tiny", 8), ("googlenet", 15), ("inception_v3", 75)]
)
def test_the_smallest_side_is_where_the_network_begins_to_compute(name, side):
    with torch.device("meta"):
        net = create(name).eval()
        assert smallest_side(net) == side
        net(torch.empty(1, 3, side, side))
        with pytest.raises(RuntimeError, match=r"too small|Kernel size"):
            net(torch.empty(1, 3, side - 1, side - 1))


def test_a_small_picture_is_refused_with_the_size_that_would_do():
    net = create("vgg_tiny").eval()
    check_input(net, (1, 3, 8, 20))
    with pytest.raises(ShapeError, match=r"smallest side: 8\n  fix: --set input.size=\[8,20\]$"):
        check_input(net, (1, 3, 4, 20))


def test_training_asks_more_of_a_picture_than_inference():
    with torch.device("meta"):
        net = create("inception_v3")
    check_input(net.eval(), (1, 3, 96, 96))
    with pytest.raises(ShapeError, match=r"cannot train on pictures of this size"):
        check_input(net.train(), (2, 3, 96, 96))


def test_a_normalisation_over_a_single_value_is_refused():
    net = create("mobilenet_v1_tiny").train()
    check_input(net, (2, 3, 8, 8))
    with pytest.raises(ShapeError, match=r"larger train.batch"):
        check_input(net, (1, 3, 8, 8))


def test_a_wrong_number_of_channels_is_refused():
    with pytest.raises(ShapeError, match=r"input.color rgb or bgr"):
        check_input(create("resnet_tiny"), (1, 1, 32, 32))


def test_looking_changes_nothing():
    net = create("vgg_tiny").train()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    torch.manual_seed(3)
    check_input(net, (4, 3, 32, 32))
    after = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(after, torch.rand(1))
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
