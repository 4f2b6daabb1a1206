"""Inception v4: the sizes of Figure 9."""

import torch

from edgecv.zoo.classify.inception_v4 import VARIANTS, InceptionV4


def test_299_pixels_give_the_maps_of_figure_9():
    with torch.device("meta"):
        maps = InceptionV4(VARIANTS["inception_v4"]).features(torch.empty(1, 3, 299, 299))
    assert {s: tuple(m.shape[1:]) for s, m in maps.items()} == {
        2: (64, 147, 147), 4: (192, 71, 71), 8: (384, 35, 35), 16: (1024, 17, 17),
        32: (1536, 8, 8),
    }  # fmt: skip
