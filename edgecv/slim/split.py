"""Filters removed from ShuffleNet v2, whose units pass on half of their channels, then shuffle.

A channel is passed on until a shuffle brings it into the half that a unit reads. Its place alone
decides that, so of the filters of a layer that the same unit reads a fixed number stays: as many as
lead there in the narrower network, the most important ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import TypeAlias

from torch import Tensor

from edgecv.slim.cut import Channels, Cut, best, fill, widths_near
from edgecv.slim.scores import scaled
from edgecv.zoo.classify.shufflenet_v2 import ShuffleNetV2, Unit

Channel: TypeAlias = tuple[str, int]  # the layer that makes it, and the number of the filter
Row: TypeAlias = list[Channel]

_STEM, _LAST = "conv1.0", "conv5.0"


def prune_split(
    network: ShuffleNetV2, share: float, scores: Mapping[str, Tensor], multiple: int
) -> None:
    """Remove the least important `share` of the filters of every layer, in place.

    Args:
        network: The variant, or what an earlier pruning left of it; in evaluation mode.
        share: 0 < share < 1 of the channels.
        scores: Layer -> (filters,) importance.
        multiple: Widths of layers left are multiples of this; a layer too narrow for that keeps its
            width.
    """
    units = {name: unit for name, unit in network.named_modules() if isinstance(unit, Unit)}
    makers = [_STEM, *chain.from_iterable(_makers(name, unit) for name, unit in units.items())]
    full = {layer: [(layer, k) for k in range(len(scores[layer]))] for layer in makers}
    before = _rows(units, full)
    made = _choose(units, full, _importance(units, before, scores), share, multiple)
    rows = {
        reader: [before[reader].index(channel) for channel in row]
        for reader, row in _rows(units, made).items()
    }
    cut = Cut(network)
    cut.take(_STEM, "conv1.1", _filters(made[_STEM]), [0, 1, 2])
    for name, unit in units.items():
        first, branch = f"{name}.branch1", f"{name}.branch2"
        if unit.stride == 2:
            cut.take(f"{first}.0", f"{first}.1", rows[name], rows[name])
            cut.take(f"{first}.2", f"{first}.3", _filters(made[f"{first}.2"]), rows[name])
        tied = scaled(scores[f"{branch}.0"]) + scaled(scores[f"{branch}.3"])
        inner = _best_of(tied, share, multiple)
        cut.take(f"{branch}.0", f"{branch}.1", inner, rows[name])
        cut.take(f"{branch}.3", f"{branch}.4", inner, inner)
        cut.take(f"{branch}.5", f"{branch}.6", _filters(made[f"{branch}.5"]), inner)
    last = _best_of(scores[_LAST], share, multiple)
    cut.take(_LAST, "conv5.1", last, rows[_LAST])
    cut.read("fc", last)
    cut.apply()


def _makers(name: str, unit: Unit) -> list[str]:
    """The layers whose filters a unit puts into its row, in the order of its concatenation."""
    first = [f"{name}.branch1.2"] if unit.stride == 2 else []
    return [*first, f"{name}.branch2.5"]


def _filters(row: Row) -> Channels:
    return [k for _, k in row]


def _best_of(importance: Tensor, share: float, multiple: int) -> Channels:
    width = len(importance)
    return best(importance, range(width), widths_near(width, share, multiple)[0])


def _rows(units: Mapping[str, Unit], made: Mapping[str, Row]) -> dict[str, Row]:
    """Reader -> the channels it reads: a unit, its half if it passes on the other, or the end."""
    row, read = made[_STEM], {}
    for name, unit in units.items():
        halves = [made[layer] for layer in _makers(name, unit)]
        read[name] = row
        if unit.stride == 1:
            halves.insert(0, row[: len(row) // 2])
            read[name] = row[len(row) // 2 :]
        row = list(chain.from_iterable(zip(*halves, strict=True)))  # concatenated and shuffled
    return read | {_LAST: row}


def _importance(
    units: Mapping[str, Unit], rows: Mapping[str, Row], scores: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Layer -> (filters,): its scores, averaged with those of a depthwise layer that reads them."""
    found = {layer: scaled(score) for layer, score in scores.items()}
    for name, unit in units.items():
        if unit.stride == 2:
            seen = scaled(scores[f"{name}.branch1.0"])
            for (layer, k), score in zip(rows[name], seen, strict=True):
                found[layer][k] = (found[layer][k] + score) / 2
    return found


def _choose(
    units: Mapping[str, Unit],
    full: Mapping[str, Row],
    importance: Mapping[str, Tensor],
    share: float,
    multiple: int,
) -> dict[str, Row]:
    """Layer -> which filters stay, in the order they get."""
    made = {_STEM: [(_STEM, k) for k in _best_of(importance[_STEM], share, multiple)]}
    stages: dict[str, list[str]] = {}
    for name, unit in units.items():
        stages.setdefault(name.partition(".")[0], []).extend(_makers(name, unit))
    have = _readers(_rows(units, full))
    for layers in stages.values():
        for half in widths_near(len(full[layers[0]]), share, multiple):
            need = _readers(
                _rows(units, {**full, **{layer: full[layer][:half] for layer in layers}})
            )
            kept = {layer: fill(need[layer], have[layer], importance[layer]) for layer in layers}
            if all(kept.values()):
                break
        made |= {layer: [(layer, k) for k in filters] for layer, filters in kept.items()}
    return made


def _readers(rows: Mapping[str, Row]) -> dict[str, dict[str, Channels]]:
    """Layer -> reader -> which of its filters that one reads."""
    found: dict[str, dict[str, Channels]] = {}
    for reader, row in rows.items():
        for layer, k in row:
            found.setdefault(layer, {}).setdefault(reader, []).append(k)
    return found
