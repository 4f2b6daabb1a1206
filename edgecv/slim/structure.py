"""Filters really removed: through residuals, concatenations and groups, by a dependency graph.

Channels that must go together are scored together and go together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from edgecv.errors import EdgecvError, UnknownName, UnsupportedModel, UsageError
from edgecv.slim.outputs import shapes_of
from edgecv.slim.scores import CRITERIA, activation_scores, weight_scores
from edgecv.slim.shuffled import prune_shuffled
from edgecv.slim.split import prune_split
from edgecv.slim.tied import prune_tied
from edgecv.zoo.classify.shufflenet_v1 import ShuffleNetV1
from edgecv.zoo.classify.shufflenet_v2 import ShuffleNetV2


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
        UsageError: a share outside 0..1, or nothing that can go.
        UnknownName: there is no such criterion.
        MissingPackage: torch-pruning is not installed.
        UnsupportedModel: the graph cannot follow the network, or what is left does not run.
    """
    if not 0 < share < 1:
        raise UsageError(
            "the share of filters to prune lies between 0 and 1", got=share, fix="--share 0.5"
        )
    if criterion not in CRITERIA:
        raise UnknownName("criterion", criterion, CRITERIA)
    size = sum(p.numel() for p in network.parameters())
    before = shapes_of(network, example)
    after = _remove(network, example, share, _scores(network, criterion, pictures), multiple)
    if after != before:
        raise UnsupportedModel(
            "pruning changed the network's outputs", network=type(network).__name__, outputs=after
        )
    if sum(p.numel() for p in network.parameters()) == size:
        raise UsageError(
            "no layer has a filter to spare",
            share=share,
            multiple=multiple,
            fix="a higher --share or a lower --multiple",
        )
    return network


def _scores(network: nn.Module, criterion: str, pictures: Iterable[Tensor]) -> Mapping[str, Tensor]:
    if criterion in ("l1", "l2"):
        return weight_scores(network, int(criterion[1]))
    return activation_scores(network, pictures, criterion)


def _remove(
    network: nn.Module, example: Tensor, share: float, scores: Mapping[str, Tensor], multiple: int
) -> dict[str, tuple[int, ...]]:
    """Remove filters by the rule for this network; returns the shapes of its outputs then."""
    try:
        if isinstance(network, ShuffleNetV1):
            prune_shuffled(network, share, scores, multiple)
        elif isinstance(network, ShuffleNetV2):
            prune_split(network, share, scores, multiple)
        else:
            prune_tied(network, example, share, scores, multiple)
        return shapes_of(network, example)
    except EdgecvError:
        raise
    except Exception as err:  # the graph fails in many ways on operations it cannot follow
        raise UnsupportedModel(
            "the filters of this network cannot be removed: its operations cannot be followed",
            network=type(network).__name__,
            reason=f"{type(err).__name__}: {err}",
        ) from err
