"""Channels that must go together, found and removed by torch-pruning's dependency graph.

Source: Fang et al., "DepGraph", arXiv:2301.12900. Added here: the zero padding of shortcuts without
parameters moves channels, which that graph does not know.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from edgecv.errors import MissingPackage
from edgecv.slim.outputs import output_layers, outputs_of
from edgecv.slim.scores import scaled


def prune_tied(
    network: nn.Module,
    example: Tensor,
    share: float,
    scores: Mapping[str, Tensor],
    multiple: int,
) -> None:
    """Remove the least important `share` of the filters of every layer, in place.

    Args:
        network: In evaluation mode.
        example: (1, C, H, W) input.
        share: 0 < share < 1 of the channels.
        scores: Layer -> (filters,) importance.
        multiple: Widths left are multiples of this.

    Raises:
        MissingPackage: torch-pruning is not installed.
        Exception: of many kinds, on operations the graph cannot follow.
    """
    try:
        import torch_pruning as pruning
    except ImportError as err:
        raise MissingPackage("torch-pruning", "train", needed_for="pruning filters") from err
    layers = {layer: scores[name] for name, layer in network.named_modules() if name in scores}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it names the loose parameters
        pruner = pruning.pruner.BasePruner(
            network,
            example,
            importance=_Importance(layers),
            pruning_ratio=share,
            round_to=multiple,
            ignored_layers=[*output_layers(network, example), *_loose(network)],
            forward_fn=outputs_of,
            output_transform=lambda outputs: list(outputs.values()),
        )
    _follow_padding(pruner.DG)
    pruner.step()


def _loose(network: nn.Module) -> list[nn.Parameter]:
    """Parameters of no layer: weights of whole maps (randomly wired networks), not of channels."""
    layers = [m for m in network.modules() if not list(m.children())]
    own = {p for layer in layers for p in layer.parameters()}
    return [p for p in network.parameters() if p not in own]


def _follow_padding(graph: Any) -> None:
    """Tell the graph by how much zero padding moves channels; it expects none to move."""
    for node in graph.module2node.values():
        pads = tuple(getattr(node.grad_fn, "_saved_pad", ()))
        if len(pads) != 6 or not any(pads[4:]):  # (N, C, H, W): the last pair is of the channels
            continue
        width = node.grad_fn._input_metadata[0].shape[1] - sum(pads[4:])
        forth, back = _Moved(pads[4], pads[4] + width), _Moved(-pads[4], width)
        for given in node.inputs:
            for dependency in given.dependencies:
                if dependency.target is node:
                    dependency.index_mapping[0] = forth
        for dependency in node.dependencies:
            if dependency.target in node.inputs:
                dependency.index_mapping[0] = back


class _Moved:
    """Indices moved by an offset; those that leave 0..end are no channels on the other side."""

    def __init__(self, offset: int, end: int) -> None:
        self._offset, self._end = offset, end

    def __call__(self, indices: list[Any]) -> list[Any]:
        moved = [index._replace(idx=index.idx + self._offset) for index in indices]
        return [index for index in moved if 0 <= index.idx < self._end]


class _Importance:
    """Scores of a group of tied channels, as torch-pruning asks for them."""

    def __init__(self, scores: Mapping[nn.Module, Tensor]) -> None:
        self._scores = scores

    def __call__(self, group: Any, **_ignored: object) -> Tensor | None:
        """(channels,) importance of the group's root channels; None leaves the group alone."""
        found: list[Tensor] = []
        length = len(group[0][1])
        for dependency, indices in group:
            score = self._scores.get(dependency.target.module)
            out = "out" in getattr(dependency.handler, "__name__", "")
            if score is None or not out or len(indices) != length or max(indices) >= len(score):
                continue  # a part of it is tied elsewhere (concatenations, shuffles)
            found.append(scaled(score[torch.as_tensor(indices)]))
        return torch.stack(found).mean(0) if found else None
