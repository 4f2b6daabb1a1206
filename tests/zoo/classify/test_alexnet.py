"""AlexNet: the two forms differ where the papers say."""

import pytest
import torch
from torch import nn

from edgecv.zoo.classify.alexnet import VARIANTS, AlexNet


def layers(name, kind):
    return [m for m in AlexNet(VARIANTS[name], 10).modules() if isinstance(m, kind)]


def test_the_form_of_2012_has_two_towers_and_response_normalisation():
    assert [conv.groups for conv in layers("alexnet_lrn_tiny", nn.Conv2d)] == [1, 2, 1, 2, 2]
    assert [conv.groups for conv in layers("alexnet_tiny", nn.Conv2d)] == [1] * 5
    assert len(layers("alexnet_lrn_tiny", nn.LocalResponseNorm)) == 2
    assert not layers("alexnet_tiny", nn.LocalResponseNorm)


def test_response_normalisation_is_section_3_3_of_the_paper():
    (norm, _) = layers("alexnet_lrn_tiny", nn.LocalResponseNorm)
    x = torch.randn(1, 9, 2, 2)
    channel = 4
    around = x[0, channel - 2 : channel + 3].square().sum(0)
    expected = x[0, channel] / (2 + 1e-4 * around) ** 0.75
    torch.testing.assert_close(norm(x)[0, channel], expected)


def test_224_pixels_give_the_55_cells_of_the_paper():
    with torch.device("meta"):
        maps = AlexNet(VARIANTS["alexnet"]).features(torch.empty(1, 3, 224, 224))
    assert {stride: tuple(m.shape[2:]) for stride, m in maps.items()} == {
        4: (55, 55), 8: (27, 27), 16: (13, 13), 32: (6, 6),
    }  # fmt: skip


def test_the_form_of_2012_starts_from_the_papers_weights():
    torch.manual_seed(0)
    found = layers("alexnet_lrn", (nn.Conv2d, nn.Linear))
    assert len(found) == 8
    for layer in found:
        assert float(layer.weight.detach().std()) == pytest.approx(0.01, rel=0.05)
    assert [float(layer.bias.detach().unique()) for layer in found] == [0, 1, 0, 1, 1, 1, 1, 0]
