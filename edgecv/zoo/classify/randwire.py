"""Randomly wired networks. Xie et al., "Exploring Randomly Wired ...", arXiv:1904.01569.

The wiring of each stage is a Watts-Strogatz graph WS(K = 4, P = 0.75) of 32 nodes (section 3.3),
drawn from `seed`: a variant with a seed is one network, the same on every machine. Table 2, small
regime (C = 78) and regular regime (C = 109). State-dict keys are edgecv's own; no public weights
exist.
"""

from __future__ import annotations

import random
from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgecv.zoo.blocks.features import last
from edgecv.zoo.registry import register

NEIGHBOURS, REWIRED = 4, 0.75  # K and P of WS(K, P)


class Variant(NamedTuple):
    """One column of Table 2."""

    width: int  # C
    stem: tuple[int, ...]  # filters of the plain convolutions of stride 2, in units of C / 2
    stages: tuple[tuple[int, int], ...]  # (nodes, filters in units of C) of the wired stages
    small: bool  # for 32 x 32 pixels: the stem has stride 1
    params: int  # with 1000 classes and seed 1
    recipe: str = "classify/randwire"


VARIANTS = {
    "randwire_ws_c78": Variant(78, (1, 2), ((32, 1), (32, 2), (32, 4)), False, 5_727_735),
    "randwire_ws_c109": Variant(109, (1,), ((16, 1), (32, 2), (32, 4), (32, 8)), False, 31_486_374),
    "randwire_ws_tiny": Variant(24, (1,), ((10, 1), (10, 2)), True, 169_370, "tiny/randwire"),
}


def watts_strogatz(nodes: int, neighbours: int, rewired: float, seed: int) -> list[tuple[int, int]]:
    """Edges (lower, higher) of a connected small-world graph, sorted.

    Nodes stand on a ring, each joined to `neighbours` / 2 on either side; going round it, an edge's
    far end moves with probability `rewired` to a node drawn uniformly (no loops, no doubles).
    Unconnected graphs are drawn again.

    Source: Watts & Strogatz, Nature 393, 1998; section 3.3 of the paper.
    """
    draw = random.Random(seed)  # noqa: S311  (a wiring is no secret)
    while True:
        joined: list[set[int]] = [set() for _ in range(nodes)]
        for step in range(1, neighbours // 2 + 1):
            for node in range(nodes):
                other = (node + step) % nodes
                joined[node].add(other)
                joined[other].add(node)
        for step in range(1, neighbours // 2 + 1):
            for node in range(nodes):
                other = (node + step) % nodes
                free = [n for n in range(nodes) if n != node and n not in joined[node]]
                if draw.random() < rewired and free and other in joined[node]:
                    new = draw.choice(free)
                    joined[node].remove(other)
                    joined[other].remove(node)
                    joined[node].add(new)
                    joined[new].add(node)
        if _connected(joined):
            return sorted((a, b) for a in range(nodes) for b in joined[a] if a < b)


def _connected(joined: list[set[int]]) -> bool:
    seen, todo = {0}, [0]
    while todo:
        fresh = joined[todo.pop()] - seen
        seen |= fresh
        todo += sorted(fresh)
    return len(seen) == len(joined)


class Node(nn.Module):
    """Section 3.2: a weighted sum of the inputs, ReLU, separable 3x3 convolution, normalisation."""

    def __init__(self, inputs: int, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(inputs)) if inputs > 1 else None
        self.depthwise = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
        self.pointwise = nn.Conv2d(channels, width, 1, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Maps of (N, channels, H, W) each -> (N, width, H / stride, W / stride)."""
        x = inputs[0]
        if self.weight is not None:  # sigmoid keeps the weights positive
            gates = torch.sigmoid(self.weight)
            x = x * gates[0]
            for i, other in enumerate(inputs[1:], 1):
                x = x + other * gates[i]
        given: Tensor = self.bn(self.pointwise(self.depthwise(torch.relu(x))))
        return given


class Wired(nn.Module):
    """One stage: nodes without inputs read the stage's with stride 2, the outputs are averaged."""

    def __init__(self, nodes: int, channels: int, width: int, seed: int) -> None:
        super().__init__()
        edges = watts_strogatz(nodes, NEIGHBOURS, REWIRED, seed)
        self.inputs = [[a for a, b in edges if b == node] for node in range(nodes)]
        self.outputs = [node for node in range(nodes) if all(a != node for a, _ in edges)]
        self.nodes = nn.ModuleList(
            Node(max(1, len(inputs)), width if inputs else channels, width, 1 if inputs else 2)
            for inputs in self.inputs
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, width, H / 2, W / 2)."""
        made: list[Tensor] = []
        for node, inputs in zip(self.nodes, self.inputs, strict=True):
            sources = [made[i] for i in inputs]
            made.append(node(sources or [x]))
        total = made[self.outputs[0]]
        for output in self.outputs[1:]:
            total = total + made[output]
        return total / len(self.outputs)


@register(task="classify", paper="arXiv:1904.01569", variants=VARIANTS)
class RandWire(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}. H and W at least 32 (tiny: 8).

    `seed` draws the wiring; weights belong to the seed they were trained with.
    """

    def __init__(self, variant: Variant, classes: int = 1000, seed: int = 1) -> None:
        super().__init__()
        self.small = variant.small
        channels = 3
        self.stem = nn.ModuleList()
        for i, halves in enumerate(variant.stem):
            width = halves * variant.width // 2
            conv = nn.Conv2d(channels, width, 3, 1 if variant.small else 2, 1, bias=False)
            before = [nn.ReLU()] if i else []
            self.stem.append(nn.Sequential(*before, conv, nn.BatchNorm2d(width)))
            channels = width
        self.stages = nn.ModuleList()
        for i, (nodes, units) in enumerate(variant.stages):
            width = units * variant.width
            self.stages.append(Wired(nodes, channels, width, seed * 1000 + i))
            channels = width
        final = 128 if variant.small else 1280
        self.conv = nn.Conv2d(channels, final, 1, bias=False)
        self.bn = nn.BatchNorm2d(final)
        self.fc = nn.Linear(final, classes)

    def features(self, x: Tensor) -> dict[int, Tensor]:
        """{stride: map} of the stem's convolutions and of every wired stage."""
        found: dict[int, Tensor] = {}
        stride = 1
        for layer in self.stem:
            x, stride = layer(x), stride if self.small else stride * 2
            found[stride] = x
        for stage in self.stages:
            x, stride = stage(x), stride * 2
            found[stride] = x
        return found

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        x = torch.relu(last(self.features(x)))
        x = torch.relu(self.bn(self.conv(x))).mean(dim=(2, 3))
        return {"logits": self.fc(x)}
