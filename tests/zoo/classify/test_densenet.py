"""DenseNet: every layer sees all before it; published files carry older key names."""

import torch

from edgecv.zoo.classify.densenet import VARIANTS, DenseNet
from edgecv.zoo.weights import load_weights, write_weights


def test_a_block_keeps_its_input_and_adds_growth_per_layer():
    net = DenseNet(VARIANTS["densenet_tiny"], 10).eval()
    block = net.features.denseblock1
    x = torch.randn(1, 16, 6, 6)
    y = block(x)
    assert y.shape == (1, 16 + 3 * 8, 6, 6)
    torch.testing.assert_close(y[:, :16], x)


def test_published_files_with_older_names_load(tmp_path):
    net = DenseNet(VARIANTS["densenet_tiny"], 10)
    older = {}
    for key, value in net.state_dict().items():
        if key.endswith("num_batches_tracked"):
            continue  # files of 2017 do not have it
        for part in ("norm1", "conv1", "norm2", "conv2"):
            key = (
                key.replace(f".{part}.", f".{part[:-1]}.{part[-1]}.")
                if "denselayer" in key
                else key
            )
        older[key] = value
    assert "features.denseblock1.denselayer1.norm.1.weight" in older
    path = write_weights(tmp_path / "older.safetensors", older, {})
    other = DenseNet(VARIANTS["densenet_tiny"], 10)
    load_weights(other, path)
    x = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(other.eval()(x)["logits"], net.eval()(x)["logits"])
