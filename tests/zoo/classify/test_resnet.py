"""ResNet: stages, shortcuts, normalisations."""

import pytest
import torch

from edgecv.errors import UnknownName
from edgecv.zoo.classify.resnet import Padded
from edgecv.zoo.registry import create


def test_tiny_keeps_the_resolution_until_the_second_stage():
    net = create("resnet_tiny", classes=10).eval()
    seen = {}
    for name in ("layer1", "layer2", "layer3"):
        net.get_submodule(name).register_forward_hook(
            lambda _m, _i, out, name=name: seen.update({name: tuple(out.shape[1:])})
        )
    net(torch.zeros(1, 3, 32, 32))
    assert seen == {"layer1": (16, 32, 32), "layer2": (32, 16, 16), "layer3": (64, 8, 8)}


def test_shortcut_without_parameters_takes_every_second_pixel_and_adds_zero_channels():
    x = torch.randn(1, 4, 6, 6)
    y = Padded(4, 8, 2)(x)
    torch.testing.assert_close(y[:, 2:6], x[:, :, ::2, ::2])
    assert y.shape == (1, 8, 3, 3)
    assert float(y[:, :2].abs().sum() + y[:, 6:].abs().sum()) == 0


@pytest.mark.parametrize("depth", [20, 32, 56, 110])
def test_cifar_forms_have_as_many_layers_as_their_name(depth):
    with torch.device("meta"):
        net = create(f"resnet{depth}", classes=10)
    layers = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(layers) == depth


@pytest.mark.parametrize("norm", ["batch", "layer", "instance", "group"])
def test_every_normalisation_trains(norm):
    net = create("resnet_tiny", classes=3, norm=norm).train()
    net(torch.randn(2, 3, 32, 32))["logits"].square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_group_and_layer_normalisation_do_not_look_at_the_batch():
    for norm in ("layer", "group"):
        net = create("resnet_tiny", classes=3, norm=norm).train()
        x = torch.randn(2, 3, 32, 32)
        torch.testing.assert_close(net(x)["logits"][:1], net(x[:1])["logits"])


def test_unknown_normalisation_lists_the_known():
    with pytest.raises(UnknownName, match=r"'bacth'[\s\S]*batch"):
        create("resnet_tiny", norm="bacth")
