"""Randomly wired networks: the wiring is a Watts-Strogatz graph and belongs to its seed."""

import zlib

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


def test_the_wiring_of_a_seed_is_the_same_on_every_machine():
    assert watts_strogatz(10, 4, 0.75, 1000) == [
        (0, 1),
        (0, 8),
        (0, 9),
        (1, 2),
        (1, 3),
        (1, 4),
        (1, 5),
        (1, 7),
        (2, 4),
        (2, 6),
        (2, 7),
        (2, 9),
        (3, 5),
        (3, 8),
        (4, 5),
        (4, 8),
        (5, 8),
        (5, 9),
        (6, 9),
        (7, 9),
    ]
    with torch.device("meta"):
        nets = [RandWire(VARIANTS[name]) for name in ("randwire_ws_c78", "randwire_ws_c109")]
    wires = repr([stage.inputs for net in nets for stage in net.stages])
    assert zlib.crc32(wires.encode()) == 2776483758  # as shipped: weights belong to their wiring


def test_the_small_regime_has_the_papers_parameters_whatever_the_draw():
    with torch.device("meta"):
        counts = [count(RandWire(VARIANTS["randwire_ws_c78"], seed=seed)) for seed in range(1, 6)]
    assert sum(counts) / 5 == pytest.approx(5.6e6, rel=0.02)


def count(net):
    return sum(p.numel() for p in net.parameters())
