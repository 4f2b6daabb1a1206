"""GoogLeNet (Inception v1). Szegedy et al., "Going Deeper with Convolutions", arXiv:1409.4842.

Differs from the paper, as the public weights do: batch normalisation after every convolution, 3x3
where Table 1 has 5x5 ("#5x5"), no local response normalisation, dropout 0.2 for 0.4 before the
classifier. The two auxiliary classifiers (section 5) are outputs `aux1` and `aux2` in training mode
only; their weights belong to the state dict, so torchvision's checkpoint (BSD-3-Clause, ImageNet)
loads strictly. Files saved from torchvision's `googlenet(weights=...)` have none: `aux=False`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgecv.zoo.blocks.branches import Branches
from edgecv.zoo.blocks.conv_norm import ConvNorm, same
from edgecv.zoo.blocks.features import last
from edgecv.zoo.blocks.widths import slim
from edgecv.zoo.registry import register


class Widths(NamedTuple):
    """One row of Table 1."""

    one: int  # "#1x1"
    three_reduce: int
    three: int
    five_reduce: int
    five: int
    pool: int  # "pool proj"

    @property
    def total(self) -> int:
        """Channels of the module's output."""
        return self.one + self.three + self.five + self.pool


TABLE_1 = {
    "3a": Widths(64, 96, 128, 16, 32, 32),
    "3b": Widths(128, 128, 192, 32, 96, 64),
    "4a": Widths(192, 96, 208, 16, 48, 64),
    "4b": Widths(160, 112, 224, 24, 64, 64),
    "4c": Widths(128, 128, 256, 24, 64, 64),
    "4d": Widths(112, 144, 288, 32, 64, 64),
    "4e": Widths(256, 160, 320, 32, 128, 128),
    "5a": Widths(256, 160, 320, 32, 128, 128),
    "5b": Widths(384, 192, 384, 48, 128, 128),
}


class Variant(NamedTuple):
    """Table 1, or a slim form of it."""

    share: float  # of the table's widths
    rows: tuple[str, ...]  # modules of the table that are there
    small: bool  # for 32 x 32 pixels: a 3x3 stem of stride 1, and no auxiliary classifiers
    params: int  # with 1000 classes, auxiliary classifiers included
    recipe: str


VARIANTS = {
    "googlenet": Variant(1.0, tuple(TABLE_1), False, 13_004_888, "classify/googlenet"),
    "googlenet_tiny": Variant(0.25, ("3a", "3b", "4a", "5a"), True, 322_040, "tiny/googlenet"),
}


class Auxiliary(nn.Module):
    """Section 5: average pooling to 4x4, 1x1 convolution, two dense layers, dropout 0.7."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.conv = ConvNorm(channels, 128, 1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, classes)
        self.dropout = nn.Dropout(0.7)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, classes)."""
        x = self.conv(nn.functional.adaptive_avg_pool2d(x, 4))
        x = self.fc2(self.dropout(torch.relu(self.fc1(torch.flatten(x, 1)))))
        return x


def inception(channels: int, row: Widths) -> Branches:
    """Figure 2b: four branches over one input."""
    return Branches(
        branch1=ConvNorm(channels, row.one, 1),
        branch2=nn.Sequential(
            ConvNorm(channels, row.three_reduce, 1), same(row.three_reduce, row.three, 3)
        ),
        branch3=nn.Sequential(
            ConvNorm(channels, row.five_reduce, 1), same(row.five_reduce, row.five, 3)
        ),
        branch4=nn.Sequential(
            nn.MaxPool2d(3, 1, 1, ceil_mode=True), ConvNorm(channels, row.pool, 1)
        ),
    )


@register(task="classify", paper="arXiv:1409.4842", variants=VARIANTS)
class GoogLeNet(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}, in training also "aux1" and "aux2".

    Without `aux`, and in the slim form, there are no auxiliary classifiers.
    """

    def __init__(self, variant: Variant, classes: int = 1000, aux: bool = True) -> None:
        super().__init__()
        first, second = slim(64, variant.share), slim(192, variant.share)
        self.conv1 = same(3, first, 3) if variant.small else ConvNorm(3, first, 7, 2, 3)
        self.conv2 = ConvNorm(first, first, 1)
        self.conv3 = same(first, second, 3)
        channels = second
        self.names = tuple(f"inception{row}" for row in variant.rows)
        for row, name in zip(variant.rows, self.names, strict=True):
            widths = Widths(*(slim(width, variant.share) for width in TABLE_1[row]))
            self.add_module(name, inception(channels, widths))
            channels = widths.total
        self.small, self.aux = variant.small, aux and not variant.small
        if self.aux:
            self.aux1 = Auxiliary(TABLE_1["4a"].total, classes)
            self.aux2 = Auxiliary(TABLE_1["4d"].total, classes)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(channels, classes)
        self.stride = 1 if variant.small else 4  # of the first module's input, before its pooling

    def features(self, x: Tensor) -> dict[int, Tensor]:
        """{stride: (N, C, H / stride, W / stride)}."""
        return self._maps(x)[0]

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        features, maps = self._maps(x)
        logits = self.fc(self.dropout(last(features).mean(dim=(2, 3))))
        if not (self.training and self.aux):
            return {"logits": logits}
        aux1, aux2 = self.aux1(maps["inception4a"]), self.aux2(maps["inception4d"])
        return {"logits": logits, "aux1": aux1, "aux2": aux2}

    def _maps(self, x: Tensor) -> tuple[dict[int, Tensor], dict[str, Tensor]]:
        """The features, and every module's output by name."""
        x = self.conv1(x)
        x = x if self.small else _halve(x)
        x = self.conv3(self.conv2(x))
        features, maps, stride = {self.stride: x}, {}, self.stride
        before = ""
        for name in self.names:
            if name[-2] != before:  # a pooling stands between the numbers of Table 1
                before, stride = name[-2], stride * 2
                x = _halve(x, 2 if name[-2] == "5" and not self.small else 3)
            x = self.get_submodule(name)(x)
            features[stride], maps[name] = x, x
        return features, maps


def _halve(x: Tensor, kernel: int = 3) -> Tensor:
    return nn.functional.max_pool2d(x, kernel, 2, ceil_mode=True)
