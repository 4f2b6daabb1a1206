"""GoogLeNet: Table 1, and auxiliary classifiers in training only."""

import torch

from edgecv.zoo.classify.googlenet import TABLE_1, VARIANTS, GoogLeNet


def test_table_1_adds_up():
    totals = [TABLE_1[row].total for row in TABLE_1]
    assert totals == [256, 480, 512, 512, 512, 528, 832, 832, 1024]


def test_auxiliary_classifiers_exist_in_training_only():
    with torch.device("meta"):
        net = GoogLeNet(VARIANTS["googlenet"], 7)
        x = torch.empty(2, 3, 224, 224)
        assert {k: tuple(v.shape) for k, v in net.train()(x).items()} == {
            "logits": (2, 7), "aux1": (2, 7), "aux2": (2, 7),
        }  # fmt: skip
        assert set(net.eval()(x)) == {"logits"}


def test_slim_form_has_none():
    net = GoogLeNet(VARIANTS["googlenet_tiny"], 10).train()
    assert set(net(torch.zeros(2, 3, 32, 32))) == {"logits"}
