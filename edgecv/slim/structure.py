"""Filters really removed: through residuals, concatenations and groups, by a dependency graph.

The graph is torch-pruning's (Fang et al., "DepGraph", arXiv:2301.12900): channels that must go
together are scored together and go together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from edgecv.errors import MissingPackage, UnsupportedModel, UsageError
from edgecv.slim.scores import CRITERIA, activation_scores, weight_scores


def prune_filters(
    network: nn.Module,
    example: Tensor,
    share: float,
    criterion: str,
    *,
    pictures: Iterable[Tensor] = (),
    multiple: int = 4,
) -> nn.Module:
    """Remove the least important `share` of the filters of every layer, in place.

    Layers whose channels are the network's outputs keep them all. Of a group of layers whose
    channels are tied together a channel's importance is the mean over the layers, each scaled to a
    mean of 1.

    Args:
        network: Of the zoo, in evaluation mode; its outputs are a dict of tensors.
        example: (1, C, H, W) input.
        share: 0 < share < 1 of the channels of every layer.
        criterion: One of CRITERIA.
        pictures: Batches for `activation` and `apoz`.
        multiple: Widths that are left are multiples of this.

    Returns:
        The network.

    Raises:
        UsageError: a share outside 0..1, or an unknown criterion.
        MissingPackage: torch-pruning is not installed.
        UnsupportedModel: the graph cannot follow the network, or what is left does not run.
    """
    if not 0 < share < 1:
        raise UsageError("the share of filters to prune lies between 0 and 1", got=share)
    if criterion not in CRITERIA:
        raise UsageError("unknown criterion", got=criterion, known=", ".join(CRITERIA))
    try:
        import torch_pruning as pruning
    except ImportError as err:
        raise MissingPackage("torch-pruning", "train", needed_for="pruning filters") from err
    before = {name: tuple(value.shape) for name, value in _run(network, example).items()}
    if criterion in ("l1", "l2"):
        scores = weight_scores(network, int(criterion[1]))
    else:
        scores = activation_scores(network, pictures, criterion)
    layers = {layer: scores[name] for name, layer in network.named_modules() if name in scores}
    try:
        pruner = pruning.pruner.BasePruner(
            network,
            example,
            importance=_Importance(layers),
            pruning_ratio=share,
            round_to=multiple,
            ignored_layers=output_layers(network, example),
            output_transform=lambda outputs: list(outputs.values()),
        )
        pruner.step()
        after = {name: tuple(value.shape) for name, value in _run(network, example).items()}
    except Exception as err:  # the graph fails in many ways on operations it cannot follow
        raise UnsupportedModel(
            "the filters of this network cannot be removed: its operations cannot be followed",
            network=type(network).__name__,
            reason=f"{type(err).__name__}: {err}",
        ) from err
    if after != before:
        raise UnsupportedModel(
            "pruning changed the network's outputs", network=type(network).__name__, outputs=after
        )
    return network


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
            chosen = score[torch.as_tensor(indices)]
            found.append(chosen / chosen.mean().clamp_min(1e-12))
        return torch.stack(found).mean(0) if found else None


def output_layers(network: nn.Module, example: Tensor) -> list[nn.Module]:
    """The convolutions and dense layers whose channels are channels of an output.

    Found by walking back from the outputs through everything that is neither.
    """
    made: dict[object, nn.Module] = {}

    def watch(layer: nn.Module, _inputs: object, output: Tensor) -> None:
        made[output.grad_fn] = layer

    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    handles = [
        m.register_forward_hook(watch)  # type: ignore[arg-type]
        for m in network.modules()
        if isinstance(m, kinds)
    ]
    try:
        with torch.enable_grad():
            outputs = network(example)
    finally:
        for handle in handles:
            handle.remove()
    todo: list[Any] = [value.grad_fn for value in outputs.values()]
    found: list[nn.Module] = []
    seen: set[object] = set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node in made:
            found.append(made[node])
        else:
            todo += [before for before, _ in node.next_functions]
    return found


def _run(network: nn.Module, example: Tensor) -> dict[str, Tensor]:
    with torch.no_grad():
        outputs: dict[str, Tensor] = network(example)
    return outputs
