"""Counts by hand, and a table that shows a dash for what was not measured."""

import torch
from torch import nn

from edgecv.slim.measure import describe, macs_of, measure, table


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.Linear(4, 2)

    def forward(self, x):
        return {"logits": self.fc(self.conv(x).mean((2, 3)))}


def test_arithmetic_and_zeros_are_counted():
    net = Net()
    net.conv.weight.data[:2] = 0
    x = torch.zeros(1, 3, 8, 8)
    assert macs_of(net, x) == 4 * 3 * 9 * 64 + 4 * 2
    row = describe("n", net, x)
    assert (row["params"], row["nonzero"], row["weight_bytes"]) == (118, 64, 472)


def test_table_has_dashes():
    row = {"name": "n", "params": 10, "nonzero": 5, "macs": 2e6, "weight_bytes": 40}
    text = table([row, row | {"accuracy": 0.5, "p50_ms": 1.25, "engine_ms": 1.0}])
    assert text.splitlines()[1].split() == ["n", "10", "5", "2.00", "0.000", "-", "-", "-"]
    assert text.splitlines()[2].split()[-3:] == ["0.5000", "1.250", "1.000"]


def test_a_trained_network_is_exported_built_judged_and_timed(trained):
    row = measure(*trained, "onnxruntime")
    assert row["metric"] == "top-1"
    assert 0 <= row["accuracy"] <= 1
    assert row["n"] == 20
    assert row["p50_ms"] > row["engine_ms"] > 0
    assert row["engine_bytes"] > 1000
