"""Inception v3: the sizes of Table 1, and the auxiliary classifier in training only."""

import torch

from edgecv.zoo.classify.inception_v3 import VARIANTS, InceptionV3


def test_299_pixels_give_the_maps_of_table_1():
    with torch.device("meta"):
        maps = InceptionV3(VARIANTS["inception_v3"]).features(torch.empty(1, 3, 299, 299))
    assert {s: tuple(m.shape[1:]) for s, m in maps.items()} == {
        2: (64, 147, 147), 4: (192, 71, 71), 8: (288, 35, 35), 16: (768, 17, 17), 32: (2048, 8, 8),
    }  # fmt: skip


def test_auxiliary_classifier_exists_in_training_only():
    with torch.device("meta"):
        net = InceptionV3(VARIANTS["inception_v3"], 7)
        x = torch.empty(2, 3, 299, 299)
        assert {k: tuple(v.shape) for k, v in net.train()(x).items()} == {
            "logits": (2, 7), "aux": (2, 7),
        }  # fmt: skip
        assert set(net.eval()(x)) == {"logits"}
