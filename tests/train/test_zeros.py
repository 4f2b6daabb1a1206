"""Weights that start at zero stay there, through steps and averages."""

import torch

from edgecv.train import train
from edgecv.train.zeros import keep, zeros_of
from edgecv.zoo.registry import create
from edgecv.zoo.weights import read_weights, write_weights


def test_only_weights_with_zeros_have_a_mask():
    net = create("resnet_tiny", classes=10)
    net.conv1.weight.data[0] = 0
    masks = zeros_of(net)
    assert list(masks) == ["conv1.weight"]
    assert int(masks["conv1.weight"].sum()) == 27
    net.conv1.weight.data += 1
    keep(net, masks)
    assert float(net.conv1.weight.detach()[0].abs().sum()) == 0
    assert float(net.conv1.weight.detach()[1].abs().sum()) > 0


def test_training_keeps_them_only_when_asked(recipe, run, tmp_path):
    net = create("resnet_tiny", classes=10)
    net.layer1[0].conv1.weight.data[:, ::2] = 0
    start = write_weights(tmp_path / "start.safetensors", net.state_dict(), {})
    for asked in (True, False):
        settings = recipe.train.model_copy(update={"init": start, "keep_zeros": asked})
        train(recipe.model_copy(update={"train": settings}), run, force=True)
        weight = read_weights(run.weights)[0]["layer1.0.conv1.weight"]
        assert bool((weight[:, ::2] == 0).all()) is asked
        assert not torch.equal(weight[:, 1::2], net.layer1[0].conv1.weight.data[:, 1::2])
