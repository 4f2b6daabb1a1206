"""SqueezeNet: the fire module."""

import torch

from edgecv.zoo.classify.squeezenet import VARIANTS, Fire, SqueezeNet


def test_fire_expands_to_eight_times_what_it_squeezed():
    fire = Fire(96, 16)
    assert fire(torch.zeros(1, 96, 5, 5)).shape == (1, 128, 5, 5)
    assert fire.expand1x1.in_channels == fire.expand3x3.in_channels == 16


def test_the_two_forms_pool_at_different_modules():
    x = torch.zeros(1, 3, 224, 224)
    with torch.device("meta"):
        sides = [
            [m.shape[2] for m in SqueezeNet(VARIANTS[name]).features(x.to("meta")).values()]
            for name in ("squeezenet1_0", "squeezenet1_1")
        ]
    assert sides == [[109, 54, 27, 13], [111, 55, 27, 13]]
