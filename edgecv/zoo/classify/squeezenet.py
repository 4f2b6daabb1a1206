"""SqueezeNet. Iandola et al., "SqueezeNet: AlexNet-level accuracy ...", arXiv:1602.07360.

1.0 is Table 1 of the paper, 1.1 its authors' later form with 2.4 times less arithmetic. State-dict
keys are torchvision's, so its checkpoints (BSD-3-Clause, ImageNet) load strictly. Dropout 0.5
before the last convolution; `squeezenet_tiny` has none.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgecv.zoo.blocks.features import Features, last
from edgecv.zoo.registry import register


class Variant(NamedTuple):
    """Table 1."""

    stem: tuple[int, int, int, int]  # filters, kernel, stride and padding of conv1
    fires: tuple[int, ...]  # squeeze filters s1x1; each expand half has four times as many
    pools: tuple[int, ...]  # fire modules before which a pooling stands
    dropout: float
    params: int  # with 1000 classes
    recipe: str


_FIRES = (16, 16, 32, 32, 48, 48, 64, 64)
VARIANTS = {
    "squeezenet1_0": Variant(
        (96, 7, 2, 0), _FIRES, (0, 3, 7), 0.5, 1_248_424, "classify/squeezenet1_0"
    ),
    "squeezenet1_1": Variant(
        (64, 3, 2, 0), _FIRES, (0, 2, 4), 0.5, 1_235_496, "classify/squeezenet1_1"
    ),
    "squeezenet_tiny": Variant(
        (32, 3, 1, 1), (8, 8, 16, 16, 24), (0, 2, 4), 0.0, 250_096, "tiny/squeezenet"
    ),
}


class Fire(nn.Module):
    """Section 3.2: a 1x1 squeeze layer, then 1x1 and 3x3 expand layers side by side."""

    def __init__(self, channels: int, squeeze: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, 4 * squeeze, 1)
        self.expand3x3 = nn.Conv2d(squeeze, 4 * squeeze, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, 8 squeeze, H, W)."""
        x = torch.relu(self.squeeze(x))
        return torch.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1))


@register(task="classify", paper="arXiv:1602.07360", variants=VARIANTS)
class SqueezeNet(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}. H and W at least 21 (tiny: 8)."""

    def __init__(self, variant: Variant, classes: int = 1000) -> None:
        super().__init__()
        self.features = _features(variant)
        last_conv = nn.Conv2d(8 * variant.fires[-1], classes, 1)
        self.classifier = nn.Sequential(nn.Dropout(variant.dropout), last_conv, nn.ReLU())
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_uniform_(part.weight)
                nn.init.zeros_(part.bias)  # type: ignore[arg-type]
        nn.init.normal_(last_conv.weight, 0, 0.01)
        # above the last ReLU's corner, where a class that starts below it would never learn
        nn.init.ones_(last_conv.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class. The scores are averages of a map after a ReLU, as published."""
        return {"logits": self.classifier(last(self.features(x))).mean(dim=(2, 3))}


def _features(variant: Variant) -> Features:
    width, kernel, stride, padding = variant.stem
    layers: list[nn.Module] = [nn.Conv2d(3, width, kernel, stride, padding), nn.ReLU()]
    ends: dict[str, int] = {}
    for i, squeeze in enumerate(variant.fires):
        if i in variant.pools:
            ends[str(len(layers) - 1)] = stride
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
            stride *= 2
        layers.append(Fire(width, squeeze))
        width = 8 * squeeze
    ends[str(len(layers) - 1)] = stride
    return Features({str(i): layer for i, layer in enumerate(layers)}, ends)
