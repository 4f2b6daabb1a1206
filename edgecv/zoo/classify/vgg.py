"""VGG. Simonyan and Zisserman, "Very Deep Convolutional Networks ...", arXiv:1409.1556.

Columns A, B, D and E of Table 1, each also with batch normalisation after every convolution, which
the paper (2014) did not have. State-dict keys are torchvision's, so its checkpoints (BSD-3-Clause,
ImageNet) load strictly. Dropout 0.5 is in the classifier only and comes after the last
normalisation, so the two do not disturb each other (Li et al., arXiv:1801.05134). `vgg_tiny` is a
shallow, slim form.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgecv.zoo.blocks.features import Features, last
from edgecv.zoo.registry import register


class Variant(NamedTuple):
    """One column of Table 1."""

    depths: tuple[int, ...]  # 3x3 convolutions before each pooling
    widths: tuple[int, ...]  # their filters
    norm: bool
    pooled: int  # side of the map the classifier sees
    hidden: int  # units of the two hidden layers
    dropout: float
    params: int  # with 1000 classes
    recipe: str


_A, _B, _D, _E = (1, 1, 2, 2, 2), (2, 2, 2, 2, 2), (2, 2, 3, 3, 3), (2, 2, 4, 4, 4)
_WIDTHS = (64, 128, 256, 512, 512)


def _published(depths: tuple[int, ...], norm: bool, params: int) -> Variant:
    return Variant(depths, _WIDTHS, norm, 7, 4096, 0.5, params, "classify/vgg16")


VARIANTS = {
    "vgg11": _published(_A, False, 132_863_336),
    "vgg13": _published(_B, False, 133_047_848),
    "vgg16": _published(_D, False, 138_357_544),
    "vgg19": _published(_E, False, 143_667_240),
    "vgg11_bn": _published(_A, True, 132_868_840),
    "vgg13_bn": _published(_B, True, 133_053_736),
    "vgg16_bn": _published(_D, True, 138_365_992),
    "vgg19_bn": _published(_E, True, 143_678_248),
    "vgg_tiny": Variant((1, 1, 2), (16, 32, 64), True, 2, 64, 0.0, 146_472, "tiny/vgg"),
}


@register(task="classify", paper="arXiv:1409.1556", variants=VARIANTS)
class Vgg(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}. H and W at least 32 (tiny: 8)."""

    def __init__(self, variant: Variant, classes: int = 1000) -> None:
        super().__init__()
        self.features = _features(variant)
        self.avgpool = nn.AdaptiveAvgPool2d(variant.pooled)
        self.classifier = nn.Sequential(
            nn.Linear(variant.widths[-1] * variant.pooled**2, variant.hidden),
            nn.ReLU(),
            nn.Dropout(variant.dropout),
            nn.Linear(variant.hidden, variant.hidden),
            nn.ReLU(),
            nn.Dropout(variant.dropout),
            nn.Linear(variant.hidden, classes),
        )
        _initialise(self)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        x = self.avgpool(last(self.features(x)))
        return {"logits": self.classifier(torch.flatten(x, 1))}


def _features(variant: Variant) -> Features:
    layers: list[nn.Module] = []
    ends: dict[str, int] = {}
    channels = 3
    for i, (depth, width) in enumerate(zip(variant.depths, variant.widths, strict=True)):
        for _ in range(depth):
            layers.append(nn.Conv2d(channels, width, 3, padding=1))
            layers += [nn.BatchNorm2d(width)] if variant.norm else []
            layers.append(nn.ReLU())
            channels = width
        ends[str(len(layers) - 1)] = 1 << i
        layers.append(nn.MaxPool2d(2, 2))
    ends[str(len(layers) - 1)] = 1 << len(variant.depths)
    return Features({str(i): layer for i, layer in enumerate(layers)}, ends)


def _initialise(module: nn.Module) -> None:
    """Deep columns without normalisation do not train from PyTorch's default (arXiv:1502.01852)."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(part.bias)  # type: ignore[arg-type]
        elif isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, 0, 0.01 if part.in_features > 1024 else 0.05)
            nn.init.zeros_(part.bias)
