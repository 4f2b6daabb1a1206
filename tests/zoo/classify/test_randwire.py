"""Randomly wired networks: the wiring is a Watts-Strogatz graph and belongs to its seed."""

import pytest
import torch

from edgecv.zoo.classify.randwire import VARIANTS, RandWire, Wired, watts_strogatz


@pytest.mark.parametrize("seed", range(5))
def test_wiring_is_a_connected_graph_with_as_many_edges_as_the_ring(seed):
    edges = watts_strogatz(32, 4, 0.75, seed)
    assert len(edges) == len(set(edges)) == 32 * 4 // 2
    assert all(a < b for a, b in edges)
    reached = {0}
    for _ in range(32):
        reached |= {b for a, b in edges if a in reached} | {a for a, b in edges if b in reached}
    assert reached == set(range(32))


def test_without_rewiring_it_is_the_ring():
    assert watts_strogatz(6, 4, 0.0, 1) == [
        (0, 1), (0, 2), (0, 4), (0, 5), (1, 2), (1, 3), (1, 5), (2, 3), (2, 4), (3, 4), (3, 5),
        (4, 5),
    ]  # fmt: skip


def test_same_seed_same_network_other_seed_another():
    tiny = VARIANTS["randwire_ws_tiny"]
    wires = [[s.inputs for s in RandWire(tiny, 10, seed).stages] for seed in (1, 1, 2)]
    assert wires[0] == wires[1] != wires[2]


def test_stage_averages_the_nodes_nobody_reads():
    stage = Wired(10, 8, 12, 3).eval()
    read = {i for inputs in stage.inputs for i in inputs}
    assert set(stage.outputs) == set(range(10)) - read
    assert stage(torch.randn(1, 8, 8, 8)).shape == (1, 12, 4, 4)
