"""The layers that make a network's outputs."""

import torch

from edgecv.slim.outputs import output_layers, outputs_of
from edgecv.zoo.registry import create


def test_layers_whose_channels_are_outputs_keep_them():
    net = create("centernet_tiny", classes=3).eval()
    found = {
        n for n, m in net.named_modules() if m in output_layers(net, torch.zeros(1, 3, 64, 64))
    }
    assert found == {"hm.2", "wh.2", "reg.2"}
    squeeze = create("squeezenet_tiny", classes=7).eval()
    assert output_layers(squeeze, torch.zeros(1, 3, 32, 32)) == [squeeze.classifier[1]]


def test_auxiliary_heads_are_among_them_and_layers_stay_as_at_inference():
    net = create("googlenet", classes=5).eval()
    x = torch.zeros(1, 3, 64, 64)
    assert set(outputs_of(net, x)) == {"logits", "aux1", "aux2"}
    assert {n for n, m in net.named_modules() if m in output_layers(net, x)} == {
        "fc", "aux1.fc2", "aux2.fc2",
    }  # fmt: skip
    assert not any(m.training for m in net.modules())
