import json
from pathlib import Path

import pytest
import torch

from edgecv.zoo.registry import create

KEYS = Path(__file__).parents[1] / "keys"


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet101"])
def test_state_dict_is_torchvisions_key_for_key(name):
    published = json.loads((KEYS / f"{name}.json").read_text())
    with torch.device("meta"):
        ours = {key: list(value.shape) for key, value in create(name).state_dict().items()}
    assert list(ours) == list(published)
    assert ours == published


def test_tiny_keeps_the_resolution_until_the_second_stage():
    net = create("resnet_tiny", classes=10).eval()
    seen = {}
    for name in ("layer1", "layer2", "layer3"):
        net.get_submodule(name).register_forward_hook(
            lambda _m, _i, out, name=name: seen.update({name: tuple(out.shape[1:])})
        )
    net(torch.zeros(1, 3, 32, 32))
    assert seen == {"layer1": (16, 32, 32), "layer2": (32, 16, 16), "layer3": (64, 8, 8)}
