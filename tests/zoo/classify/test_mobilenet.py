"""MobileNet v1: width multipliers."""

import pytest
import torch

from edgecv.zoo.classify.mobilenet import VARIANTS, MobileNetV1, thin


@pytest.mark.parametrize(
    ("width", "alpha", "channels"), [(32, 1.0, 32), (64, 0.75, 48), (32, 0.25, 8), (24, 0.5, 16)]
)
def test_thinned_channels_are_multiples_of_8_and_lose_at_most_a_tenth(width, alpha, channels):
    assert thin(width, alpha) == channels
    assert channels >= 0.9 * width * alpha


def test_the_map_before_the_classifier_is_7x7x1024():
    with torch.device("meta"):
        maps = MobileNetV1(VARIANTS["mobilenet_v1"]).features(torch.empty(1, 3, 224, 224))
    assert {s: tuple(m.shape[1:]) for s, m in maps.items()} == {
        2: (64, 112, 112), 4: (128, 56, 56), 8: (256, 28, 28), 16: (512, 14, 14), 32: (1024, 7, 7),
    }  # fmt: skip
