import pytest
import torch
from torch import nn

from edgecv.train.average import Average


def test_it_follows_the_network_by_the_decay():
    net = nn.BatchNorm1d(1)
    average = Average(net, decay=0.9)
    with torch.no_grad():
        net.weight.fill_(11.0)
        net.running_mean.fill_(5.0)
        net.num_batches_tracked.fill_(7)
    average.update(net, step=10_000)
    assert average.state["weight"].item() == pytest.approx(0.9 * 1 + 0.1 * 11)
    assert average.state["running_mean"].item() == pytest.approx(0.1 * 5)
    assert average.state["num_batches_tracked"].item() == 7
    assert net.weight.item() == 11.0


def test_early_steps_forget_the_start_sooner():
    net = nn.BatchNorm1d(1)
    average = Average(net, decay=0.999)
    with torch.no_grad():
        net.weight.fill_(2.0)
    average.update(net, step=0)
    assert average.state["weight"].item() == pytest.approx(1 + 0.9)
