"""Inception v2 (BN-Inception). Ioffe and Szegedy, "Batch Normalization", arXiv:1502.03167.

Differs from the paper: the first convolution is a plain one, not a separable one of depth
multiplier 8, and modules 4c and 4d have the 608 channels their columns add up to, not the 576 the
figure states (as the public re-implementations do). No auxiliary classifiers. State-dict keys are
edgecv's own. Not the "Inception-v2" of arXiv:1512.00567, whose table became v3.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from edgecv.zoo.blocks.branches import Branches
from edgecv.zoo.blocks.conv_norm import ConvNorm, same
from edgecv.zoo.blocks.features import Features, last
from edgecv.zoo.blocks.widths import slim
from edgecv.zoo.registry import register


class Widths(NamedTuple):
    """One row of Figure 5; a 0 in `one` marks a module of stride 2 that passes its input on."""

    one: int
    three_reduce: int
    three: int
    double_reduce: int
    double: int
    pool: int  # 0: max pooling without projection
    pool_kind: str = "avg"

    def thinned(self, share: float) -> Widths:
        """The row with `share` of its filters; what is absent stays absent."""
        one, three_reduce, three, double_reduce, double, pool = (
            slim(width, share) if width else 0 for width in self[:6]
        )
        return Widths(one, three_reduce, three, double_reduce, double, pool, self.pool_kind)


FIGURE_5 = {
    "3a": Widths(64, 64, 64, 64, 96, 32),
    "3b": Widths(64, 64, 96, 64, 96, 64),
    "3c": Widths(0, 128, 160, 64, 96, 0, "max"),
    "4a": Widths(224, 64, 96, 96, 128, 128),
    "4b": Widths(192, 96, 128, 96, 128, 128),
    "4c": Widths(160, 128, 160, 128, 160, 128),
    "4d": Widths(96, 128, 192, 160, 192, 128),
    "4e": Widths(0, 128, 192, 192, 256, 0, "max"),
    "5a": Widths(352, 192, 320, 160, 224, 128),
    "5b": Widths(352, 192, 320, 192, 224, 128, "max"),
}


class Variant(NamedTuple):
    """Figure 5, or a slim form of it."""

    share: float  # of the figure's widths
    rows: tuple[str, ...]
    small: bool  # for 32 x 32 pixels: a 3x3 stem of stride 1 and one pooling
    params: int  # with 1000 classes
    recipe: str


VARIANTS = {
    "inception_v2": Variant(1.0, tuple(FIGURE_5), False, 11_285_224, "classify/inception_v2"),
    "inception_v2_tiny": Variant(
        0.25, ("3a", "3c", "4a", "4e", "5b"), True, 571_992, "tiny/inception_v2"
    ),
}


def module(channels: int, row: Widths) -> tuple[Branches, int]:
    """One module of Figure 5, and how many channels it gives."""
    stride = 1 if row.one else 2
    branches: dict[str, nn.Module] = {}
    if row.one:
        branches["branch1"] = ConvNorm(channels, row.one, 1)
    branches["branch3"] = nn.Sequential(
        ConvNorm(channels, row.three_reduce, 1), ConvNorm(row.three_reduce, row.three, 3, stride, 1)
    )
    branches["branch3_double"] = nn.Sequential(
        ConvNorm(channels, row.double_reduce, 1),
        same(row.double_reduce, row.double, 3),
        ConvNorm(row.double, row.double, 3, stride, 1),
    )
    pool = nn.AvgPool2d(3, 1, 1) if row.pool_kind == "avg" else nn.MaxPool2d(3, stride, 1)
    if row.pool:
        branches["branch_pool"] = nn.Sequential(pool, ConvNorm(channels, row.pool, 1))
    else:
        branches["branch_pool"] = pool
    return Branches(**branches), row.one + row.three + row.double + (row.pool or channels)


@register(task="classify", paper="arXiv:1502.03167", variants=VARIANTS)
class InceptionV2(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}. H and W at least 32 (tiny: 8)."""

    def __init__(self, variant: Variant, classes: int = 1000) -> None:
        super().__init__()
        layers, ends, channels = _stem(variant)
        stride = max(ends.values()) * 2
        layers["pool2"] = nn.MaxPool2d(3, 2, 1)
        for name in variant.rows:
            row = FIGURE_5[name]
            widths = row.thinned(variant.share)
            if not row.one:
                stride *= 2
            layers[name], channels = module(channels, widths)
            ends = {k: s for k, s in ends.items() if s != stride} | {name: stride}
        self.features = Features(layers, ends)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        return {"logits": self.fc(last(self.features(x)).mean(dim=(2, 3)))}


def _stem(variant: Variant) -> tuple[dict[str, nn.Module], dict[str, int], int]:
    """Layers before the second pooling, what stride they end, and their channels."""
    first, second = slim(64, variant.share), slim(192, variant.share)
    layers: dict[str, nn.Module]
    if variant.small:
        layers = {"conv1": same(3, first, 3)}
    else:
        layers = {"conv1": ConvNorm(3, first, 7, 2, 3), "pool1": nn.MaxPool2d(3, 2, 1)}
    layers |= {"conv2": ConvNorm(first, first, 1), "conv3": same(first, second, 3)}
    return layers, {"conv3": 1 if variant.small else 4}, second
