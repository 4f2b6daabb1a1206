"""A network on its way to fewer channels: which of a layer's stay is chosen elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from edgecv.zoo.widths import narrow, widths_of

Channels: TypeAlias = list[int]  # numbers in the full layer, in the order of the narrower one


class Cut:
    """Weights and widths of the narrower network; the network is changed by `apply` alone."""

    def __init__(self, network: nn.Module) -> None:
        """Start from all of its channels."""
        self._network = network
        self._state = dict(network.state_dict())
        self._widths = widths_of(network)

    def take(self, conv: str, norm: str, made: Channels, read: Channels) -> None:
        """Keep channels of a convolution and of the batch normalisation after it.

        Args:
            conv: The layer; with groups, each keeps as many outputs, and as many inputs.
            norm: The layer after it.
            made: Output channels that stay.
            read: Input channels that stay.
        """
        inputs, outputs, groups = self._widths[conv]
        fewer = len(made) if groups == inputs == outputs else groups  # depthwise
        group = torch.tensor(made) // (outputs // groups)
        columns = torch.tensor(read).reshape(fewer, -1).repeat_interleave(len(made) // fewer, 0)
        columns -= (group * (inputs // groups))[:, None]
        weight = self._state[f"{conv}.weight"][made]
        shape = (*columns.shape, *weight.shape[2:])
        self._state[f"{conv}.weight"] = weight.gather(1, columns[..., None, None].expand(shape))
        self._widths[conv] = [len(read), len(made), fewer]
        for value in ("weight", "bias", "running_mean", "running_var"):
            self._state[f"{norm}.{value}"] = self._state[f"{norm}.{value}"][made]
        self._widths[norm] = [len(made)]

    def read(self, dense: str, read: Channels) -> None:
        """Keep input channels of a dense layer."""
        self._state[f"{dense}.weight"] = self._state[f"{dense}.weight"][:, read]
        self._widths[dense][0] = len(read)

    def apply(self) -> None:
        """Give the network these layers, in evaluation mode."""
        narrow(self._network, self._widths)
        self._network.load_state_dict(self._state)
        self._network.eval()


def widths_near(width: int, share: float, step: int) -> list[int]:
    """Multiples of `step` to try, nearest to what the share leaves first; `width` is the last."""
    fewer = sorted(range(step, width, step), key=lambda k: abs(k - width * (1 - share)))
    return [*fewer, width]


def best(importance: Tensor, channels: Sequence[int], count: int) -> Channels:
    """The `count` most important of the channels, rising."""
    ranked = sorted(channels, key=lambda k: float(importance[k]), reverse=True)
    return sorted(ranked[:count])


def fill(
    need: Mapping[Any, Channels], have: Mapping[Any, Channels], importance: Tensor
) -> Channels:
    """Give every place of a narrower layer a channel of the same kind, the most important first.

    Args:
        need: Kind -> places in the narrower layer, which number 0..n without a gap.
        have: Kind -> channels of the layer.
        importance: (channels,).

    Returns:
        Place -> channel; channels of a kind keep their order. Empty if there are too few of a kind.
    """
    if any(len(places) > len(have.get(kind, ())) for kind, places in need.items()):
        return []
    chosen = [0] * sum(len(places) for places in need.values())
    for kind, places in need.items():
        for place, k in zip(sorted(places), best(importance, have[kind], len(places)), strict=True):
            chosen[place] = k
    return chosen
