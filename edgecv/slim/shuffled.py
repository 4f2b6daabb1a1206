"""Filters removed from ShuffleNet v1, through the shuffle between its grouped 1x1 convolutions.

A channel is in a group of the convolution that makes it and in one of each that reads it. Groups
stay equally large and no channel changes its groups, so of the channels that share all their groups
a fixed number stays: the most important ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise, product
from math import lcm
from typing import NamedTuple

import torch
from torch import Tensor

from edgecv.slim.cut import Channels, Cut, best, fill, widths_near
from edgecv.slim.scores import scaled
from edgecv.zoo.classify.shufflenet_v1 import ShuffleNetV1, Unit, shuffle


class _Trunk(NamedTuple):
    """What units hand on, in one row: the stem's channels, then what each stage adds to them.

    Attributes:
        ends: Where the stem's channels end, and those of each stage.
        spans: Unit -> which channels its last convolution makes, or adds to.
        groups: Of the 1x1 convolutions.
    """

    ends: list[int]
    spans: dict[str, tuple[int, int]]
    groups: int


def prune_shuffled(
    network: ShuffleNetV1, share: float, scores: Mapping[str, Tensor], multiple: int
) -> None:
    """Remove the least important `share` of the filters of every layer, in place.

    Args:
        network: The variant, or what an earlier pruning left of it; in evaluation mode.
        share: 0 < share < 1 of the channels.
        scores: Layer -> (filters,) importance.
        multiple: Widths left are multiples of this and of the groups. A layer too narrow for that
            keeps its width.
    """
    units = {name: unit for name, unit in network.named_modules() if isinstance(unit, Unit)}
    trunk = _trunk(network, units)
    step = lcm(multiple, trunk.groups)
    passed = _choose_passed(trunk, scores, share, step)
    cut = Cut(network)
    cut.take("conv1", "bn1", [k for k in passed if k < trunk.ends[0]], [0, 1, 2])
    for name, unit in units.items():
        low, high = trunk.spans[name]
        made, inner = _choose_inner(name, unit, scores, share, step)
        read = [k for k in passed if k < unit.conv1.in_channels]
        given = [k - low for k in passed if low <= k < high]
        cut.take(f"{name}.conv1", f"{name}.bn1", made, read)
        cut.take(f"{name}.conv2", f"{name}.bn2", inner, inner)
        cut.take(f"{name}.conv3", f"{name}.bn3", given, inner)
    cut.read("fc", passed)
    cut.apply()


def _trunk(network: ShuffleNetV1, units: Mapping[str, Unit]) -> _Trunk:
    ends, spans = [network.conv1.out_channels], {}
    for name, unit in units.items():
        if unit.stride == 2:
            ends.append(ends[-1] + unit.conv3.out_channels)
        spans[name] = (ends[-2] if unit.stride == 2 else 0, ends[-1])
    return _Trunk(ends, spans, next(iter(units.values())).groups)


def _choose_passed(
    trunk: _Trunk, scores: Mapping[str, Tensor], share: float, step: int
) -> Channels:
    """Which channels of the trunk stay, rising."""
    total, layers = torch.zeros(trunk.ends[-1]), torch.zeros(trunk.ends[-1])
    spans = {"conv1": (0, trunk.ends[0])} | {f"{k}.conv3": v for k, v in trunk.spans.items()}
    for name, (low, high) in spans.items():
        total[low:high] += scaled(scores[name])
        layers[low:high] += 1
    stem, first = (widths_near(end, share, step) for end in trunk.ends[:2])
    tried = (
        _quotas(trunk, [start, *(end * width // trunk.ends[1] for end in trunk.ends[1:])])
        for width, start in product(first, stem)
    )
    quotas = next(filter(None, tried))  # the last one tried is the width there is
    return [k for low, high, n in quotas for k in best(total / layers, range(low, high), n)]


def _quotas(trunk: _Trunk, ends: Sequence[int]) -> list[tuple[int, int, int]]:
    """(low, high, channels that stay) of every stretch of the trunk that no group divides.

    Empty if groups cannot be equally large with these ends.
    """
    moved: dict[int, int] = {}
    for old, new in zip(
        _borders(trunk.ends, trunk.groups), _borders(ends, trunk.groups), strict=True
    ):
        if new % 1 or moved.setdefault(int(old), int(new)) != new:
            return []
    stretches = [(a, b, moved[b] - moved[a]) for a, b in pairwise(sorted(moved))]
    return stretches if all(0 <= n <= b - a for a, b, n in stretches) else []


def _borders(ends: Sequence[int], groups: int) -> list[float]:
    """Where groups of channels begin and end: those of a stage, and those its first unit adds."""
    return [
        place
        for before, end in pairwise(ends)
        for j in range(groups + 1)
        for place in (j * end / groups, before + j * (end - before) / groups)
    ]


def _choose_inner(
    name: str, unit: Unit, scores: Mapping[str, Tensor], share: float, step: int
) -> tuple[Channels, Channels]:
    """Which channels inside a unit stay: as its first convolution makes them, and shuffled."""
    width = unit.conv2.out_channels
    before = _unshuffled(width, unit.groups)
    importance = scaled(scores[f"{name}.conv1"])[before] + scaled(scores[f"{name}.conv2"])
    have = _atoms(width, unit)
    for fewer in widths_near(width, share, step):
        if inner := fill(_atoms(fewer, unit), have, importance):
            break
    made = [0] * fewer
    for place, k in zip(_unshuffled(fewer, unit.groups), inner, strict=True):
        made[place] = before[k]
    return made, inner


def _atoms(width: int, unit: Unit) -> dict[tuple[int, int], Channels]:
    """Shuffled channels by the groups of the convolutions that make and that read them."""
    found: dict[tuple[int, int], Channels] = {}
    for k, made in enumerate(_unshuffled(width, unit.groups)):
        atom = (made * unit.conv1.groups // width, k * unit.conv3.groups // width)
        found.setdefault(atom, []).append(k)
    return found


def _unshuffled(width: int, groups: int) -> Channels:
    """Where each channel was before the network's own shuffle."""
    places: Channels = shuffle(torch.arange(width).reshape(1, -1, 1, 1), groups).flatten().tolist()
    return places
