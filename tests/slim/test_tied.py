"""Auxiliary heads, padded shortcuts and loose weights: what the dependency graph has to be told."""

from torch import nn

from edgecv.slim.structure import prune_filters
from edgecv.zoo.registry import create
from tests.slim.zeroed import example, gone, named


class Headed(nn.Module):
    """A classifier with an auxiliary head, in training only."""

    def __init__(self):
        super().__init__()
        self.conv, self.aux, self.fc = nn.Conv2d(3, 16, 1), nn.Linear(16, 4), nn.Linear(16, 4)

    def forward(self, x):
        x = self.conv(x).mean((2, 3))
        return {"logits": self.fc(x)} | ({"aux": self.aux(x)} if self.training else {})


def test_heads_that_only_training_has_follow():
    net = prune_filters(Headed().eval(), example("x"), 0.5, "l1")
    assert (net.training, net.aux.in_features, net.aux.out_features) == (False, 8, 4)
    assert net.train()(example("x"))["aux"].shape == (1, 4)


def test_channels_move_with_zero_padding():
    full, x = named("resnet20"), example("resnet20")
    lost = gone(full, prune_filters(named("resnet20"), x, 0.5, "l2"))
    assert lost["layer2.0.conv2"] == [k + 8 for k in lost["conv1"]]
    assert lost["layer3.0.conv2"] == [k + 16 for k in lost["layer2.0.conv2"]]


def test_weights_of_whole_maps_stay(recwarn):
    net = create("randwire_ws_tiny").eval()
    before = {k: v.numel() for k, v in net.named_parameters() if "nodes" in k and v.ndim == 1}
    prune_filters(net, example("randwire_ws_tiny"), 0.5, "l2")
    after = {k: v.numel() for k, v in net.named_parameters()}
    gates = [k for k in before if k.endswith("weight") and ".bn." not in k]
    assert gates
    assert all(after[k] == before[k] for k in gates)
    assert not recwarn.list
