"""Public checkpoints fit key for key, and on the same weights the published definition's logits.

The key lists and the logits come from torchvision 0.28 and timm 1.0.31
(tests/zoo/record_published.py), not from edgecv's code.
"""

import json

import pytest
import torch

from edgecv.zoo.registry import create
from tests.zoo.named_weights import named_weights, picture
from tests.zoo.record_published import FILE, NETS, SHOWN

KEYS = FILE.parents[1] / "keys"
LOGITS = json.loads(FILE.read_text())


@pytest.mark.parametrize("name", sorted(path.stem for path in KEYS.glob("*.json")))
def test_state_dict_is_the_public_one_key_for_key(name):
    published = json.loads((KEYS / f"{name}.json").read_text())
    with torch.device("meta"):
        ours = {key: list(value.shape) for key, value in create(name).state_dict().items()}
    assert list(ours) == list(published)
    assert ours == published


@pytest.mark.parametrize("name", sorted(NETS))
def test_logits_are_the_published_definitions(name):
    published = LOGITS[name]
    with torch.device("meta"):
        net = create(name).eval()
    shapes = {key: value.shape for key, value in net.state_dict().items()}
    net = net.to_empty(device="cpu")
    net.load_state_dict(named_weights(shapes))
    with torch.no_grad():
        logits = net(picture(*published["input"]))["logits"][0, :SHOWN]
    tolerance = 1e-4 * published["largest"]
    torch.testing.assert_close(logits, torch.tensor(published["logits"]), rtol=0, atol=tolerance)
