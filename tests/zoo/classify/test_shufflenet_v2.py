"""ShuffleNet v2: half of the channels pass a unit unchanged."""

import torch

from edgecv.zoo.classify.shufflenet_v2 import Unit


def test_stride_1_passes_one_half_through():
    unit = Unit(8, 8, 1).eval()
    x = torch.randn(1, 8, 4, 4)
    torch.testing.assert_close(unit(x)[:, ::2], x[:, :4])


def test_stride_2_computes_both_halves_and_halves_the_side():
    unit = Unit(8, 24, 2).eval()
    assert unit(torch.randn(1, 8, 6, 6)).shape == (1, 24, 3, 3)
