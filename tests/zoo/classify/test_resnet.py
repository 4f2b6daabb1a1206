"""ResNet: stages, shortcuts, normalisations."""

import numpy as np
import pytest
import torch
from torch.nn import BatchNorm2d, GroupNorm, InstanceNorm2d

from edgecv.errors import UnknownName
from edgecv.zoo.classify.resnet import NORMS, Padded
from edgecv.zoo.registry import create, variants


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


SLIM = ["resnet_tiny", "resnext_tiny", "seresnet_tiny"]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", SLIM)
def test_every_normalisation_trains(name, norm):
    torch.manual_seed(0)
    net = create(name, classes=3, norm=norm).train()
    net(torch.randn(2, 3, 32, 32))["logits"].square().sum().backward()
    dead = [k for k, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert [key for key in dead if ".se." not in key] == []  # a gate's few ReLUs may all be off


@pytest.mark.parametrize(
    ("name", "norm"),
    [*(("resnet_tiny", norm) for norm in NORMS), ("resnext_tiny", "group"), (SLIM[2], "layer")],
)
def test_every_normalisation_exports_to_what_torch_computes(name, norm):
    onnxruntime = pytest.importorskip("onnxruntime")
    from edgecv.export.trace import Trace, trace

    torch.manual_seed(0)
    net = create(name, classes=3, norm=norm).eval()
    for part in net.modules():  # a fresh normalisation hides a forgotten scale or statistic
        if getattr(part, "weight", None) is not None and part.weight.ndim == 1:
            torch.nn.init.uniform_(part.weight, 0.5, 1.5)
            torch.nn.init.uniform_(part.bias, -0.5, 0.5)
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.uniform_(-0.5, 0.5)
            part.running_var.uniform_(0.5, 1.5)
    model = trace(net, Trace({"logits": "logits"}, (3, 32, 32), (1, 1, 4), 20))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    x = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        expected = net(x)["logits"].numpy()
    (found,) = session.run(None, {"images": x.numpy()})
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["resnet50", "resnext101_32x8d", "seresnet101"])
def test_full_size_networks_have_every_normalisation(name):
    kinds = {"batch": BatchNorm2d, "layer": GroupNorm, "instance": InstanceNorm2d}
    for norm, kind in {**kinds, "group": GroupNorm}.items():
        with torch.device("meta"):
            net = create(name, norm=norm)
        norms = [
            m for m in net.modules() if isinstance(m, BatchNorm2d | GroupNorm | InstanceNorm2d)
        ]
        assert {type(m) for m in norms} == {kind}
        groups = {getattr(m, "num_groups", 0) for m in norms}
        assert groups == {{"layer": 1, "group": 32}.get(norm, 0)}
        assert sum(p.numel() for p in net.parameters()) == variants()[name].params


def test_group_and_layer_normalisation_do_not_look_at_the_batch():
    for norm in ("layer", "group"):
        net = create("resnet_tiny", classes=3, norm=norm).train()
        x = torch.randn(2, 3, 32, 32)
        torch.testing.assert_close(net(x)["logits"][:1], net(x[:1])["logits"])


def test_unknown_normalisation_lists_the_known():
    with pytest.raises(UnknownName, match=r"'bacth'[\s\S]*batch"):
        create("resnet_tiny", norm="bacth")
