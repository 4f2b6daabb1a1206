"""Inception v2: Figure 5."""

import torch

from edgecv.zoo.classify.inception_v2 import VARIANTS, InceptionV2


def test_the_channels_of_figure_5():
    with torch.device("meta"):
        maps = InceptionV2(VARIANTS["inception_v2"]).features(torch.empty(1, 3, 224, 224))
    assert {s: tuple(m.shape[1:]) for s, m in maps.items()} == {
        4: (192, 56, 56), 8: (320, 28, 28), 16: (608, 14, 14), 32: (1024, 7, 7),
    }  # fmt: skip
