"""Public checkpoints fit key for key, and on the same weights the published definition's logits.

The key lists and the logits come from torchvision 0.28 and timm 1.0.31
(tests/zoo/record_published.py), not from edgecv's code. Every variant with public weights is held
to the digest of its definition's keys and shapes; those of `keys/` also show where they differ.
"""

import json
import re

import pytest
import torch

from edgecv.errors import FileError
from edgecv.zoo.published import BY_HAND, PUBLISHED
from edgecv.zoo.registry import create, variants
from edgecv.zoo.weights import load_weights
from tests.zoo.named_weights import named_weights, picture
from tests.zoo.record_published import FILE, KEYS_FILE, NETS, SHOWN, digest

KEYS = FILE.parents[1] / "keys"
LOGITS = json.loads(FILE.read_text())
DEFINED = json.loads(KEYS_FILE.read_text())


def test_every_variant_with_public_weights_is_held_to_their_definition():
    assert set(PUBLISHED) | set(BY_HAND) <= set(DEFINED)
    families = {variants()[name].module for name in DEFINED}
    assert {variants()[name].module for name in NETS} == families  # logits: one at least of each


@pytest.mark.parametrize("name", sorted(DEFINED))
def test_keys_and_shapes_are_the_public_definitions(name):
    with torch.device("meta"):
        state = create(name).state_dict()
    assert len(state) == DEFINED[name]["keys"]
    assert digest(state) == DEFINED[name]["sha256"]


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


def older(name, key):
    """The key as the published files have it: DenseNet's are of 2017."""
    return re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", key)


# small enough to write; named as their published files are
@pytest.mark.parametrize(
    "name", ["densenet121", "mobilenet_v1", "resnet18", "shufflenet_v2_x1_0", "squeezenet1_1"]
)
def test_a_checkpoint_made_from_the_public_list_loads_and_computes_the_same(name, tmp_path):
    listed = json.loads((KEYS / f"{name}.json").read_text())
    weights = named_weights(listed)
    file = {
        older(name, key): value
        for key, value in weights.items()
        if not key.endswith("num_batches_tracked")
    }
    assert ("features.denseblock1.denselayer1.norm.1.weight" in file) == (name == "densenet121")
    path = tmp_path / "published.pth"
    torch.save(file, path)
    net = create(name).eval()
    load_weights(net, path)
    published = LOGITS[name]
    with torch.no_grad():
        logits = net(picture(*published["input"]))["logits"][0, :SHOWN]
    tolerance = 1e-4 * published["largest"]
    torch.testing.assert_close(logits, torch.tensor(published["logits"]), rtol=0, atol=tolerance)
    file.pop(next(iter(file)))
    torch.save(file, path)
    with pytest.raises(FileError, match="keys differ"):
        load_weights(net, path)
