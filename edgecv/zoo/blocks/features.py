"""A row of layers that hands out what it computes at each stride."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn


class Features(nn.Sequential):
    """Layers in a row; the output of every layer that ends a stride is kept.

    (N, C, H, W) -> {stride: (N, C', H / stride, W / stride)}, strides rising. A stride is nominal:
    layers without padding make a map a little smaller. The last entry is the last layer's output.
    """

    def __init__(self, layers: Mapping[str, nn.Module], ends: Mapping[str, int]) -> None:
        """Take the layers by name, and name -> stride of those whose output is kept."""
        super().__init__(OrderedDict(layers))
        self.ends = dict(ends)

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """See the class."""
        found: dict[int, Tensor] = {}
        for name, layer in self.named_children():
            x = layer(x)
            if name in self.ends:
                found[self.ends[name]] = x
        return found


def last(features: Mapping[int, Tensor]) -> Tensor:
    """The coarsest map, which classifiers read."""
    return features[max(features)]
