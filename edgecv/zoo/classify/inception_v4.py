"""Inception v4. Szegedy et al., "Inception-v4, Inception-ResNet ...", arXiv:1602.07261.

State-dict keys are those of timm's `inception_v4`, so its checkpoint loads strictly. The last
dropout keeps 0.8, as the paper says. Average poolings do not count their padding, as in the public
weights.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgecv.zoo.blocks.branches import Branches
from edgecv.zoo.blocks.conv_norm import ConvNorm, same
from edgecv.zoo.blocks.features import Features, last
from edgecv.zoo.blocks.widths import slim
from edgecv.zoo.registry import register


class Variant(NamedTuple):
    """Figure 9, or a slim form of it."""

    share: float  # of the figure's widths
    depths: tuple[int, int, int]  # Inception-A, -B and -C modules
    small: bool  # for 32 x 32 pixels: a stem of stride 2, padded reductions
    params: int  # with 1000 classes
    recipe: str


VARIANTS = {
    "inception_v4": Variant(1.0, (4, 7, 3), False, 42_679_816, "classify/inception_v4"),
    "inception_v4_tiny": Variant(0.125, (1, 1, 1), True, 424_976, "tiny/inception_v4"),
}


class InceptionC(nn.Module):
    """Figure 6: the 8x8 module; keys as in the public weights, so not plain `Branches`."""

    def __init__(self, channels: int, share: float) -> None:
        super().__init__()
        a, b, c, d = (slim(width, share) for width in (256, 384, 448, 512))
        self.branch0 = ConvNorm(channels, a, 1)
        self.branch1_0 = ConvNorm(channels, b, 1)
        self.branch1_1a, self.branch1_1b = same(b, a, (1, 3)), same(b, a, (3, 1))
        self.branch2_0 = ConvNorm(channels, b, 1)
        self.branch2_1, self.branch2_2 = same(b, c, (3, 1)), same(c, d, (1, 3))
        self.branch2_3a, self.branch2_3b = same(d, a, (1, 3)), same(d, a, (3, 1))
        self.branch3 = nn.Sequential(_average(), ConvNorm(channels, a, 1))
        self.width = 6 * a

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, 6 x 256 share, H, W)."""
        one = self.branch1_0(x)
        two = self.branch2_2(self.branch2_1(self.branch2_0(x)))
        parts = [self.branch0(x), self.branch1_1a(one), self.branch1_1b(one)]
        parts += [self.branch2_3a(two), self.branch2_3b(two), self.branch3(x)]
        return torch.cat(parts, dim=1)


def _average() -> nn.AvgPool2d:
    return nn.AvgPool2d(3, 1, 1, count_include_pad=False)


class Pooled(nn.Module):
    """The stem's first split: max pooling beside a convolution of stride 2."""

    def __init__(self, channels: int, width: int, *, pool_first: bool) -> None:
        super().__init__()
        self.maxpool = nn.MaxPool2d(3, 2)
        self.conv = ConvNorm(channels, width, 3, 2)
        self.pool_first = pool_first

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, channels + width, H / 2, W / 2)."""
        parts = (self.maxpool(x), self.conv(x))
        return torch.cat(parts if self.pool_first else parts[::-1], dim=1)


def _stem_split() -> Branches:
    """Figure 3: two branches from 73x73x160 to 71x71x192."""
    return Branches(
        branch0=nn.Sequential(ConvNorm(160, 64, 1), ConvNorm(64, 96, 3)),
        branch1=nn.Sequential(
            ConvNorm(160, 64, 1), same(64, 64, (1, 7)), same(64, 64, (7, 1)), ConvNorm(64, 96, 3)
        ),
    )


def inception_a(channels: int, share: float) -> tuple[nn.Module, int]:
    """Figure 4: the 35x35 module."""
    a, b = slim(64, share), slim(96, share)
    module = Branches(
        branch0=ConvNorm(channels, b, 1),
        branch1=nn.Sequential(ConvNorm(channels, a, 1), same(a, b, 3)),
        branch2=nn.Sequential(ConvNorm(channels, a, 1), same(a, b, 3), same(b, b, 3)),
        branch3=nn.Sequential(_average(), ConvNorm(channels, b, 1)),
    )
    return module, 4 * b


def inception_b(channels: int, share: float) -> tuple[nn.Module, int]:
    """Figure 5: the 17x17 module."""
    a, b, c, d, e = (slim(width, share) for width in (128, 192, 224, 256, 384))
    module = Branches(
        branch0=ConvNorm(channels, e, 1),
        branch1=nn.Sequential(ConvNorm(channels, b, 1), same(b, c, (1, 7)), same(c, d, (7, 1))),
        branch2=nn.Sequential(
            ConvNorm(channels, b, 1),
            same(b, b, (7, 1)),
            same(b, c, (1, 7)),
            same(c, c, (7, 1)),
            same(c, d, (1, 7)),
        ),
        branch3=nn.Sequential(_average(), ConvNorm(channels, a, 1)),
    )
    return module, e + d + d + a


def reduction_a(channels: int, share: float, pad: int) -> tuple[nn.Module, int]:
    """Figure 7 with Table 1's k, l, m, n: 35x35 to 17x17."""
    k, l, m, n = (slim(w, share) for w in (192, 224, 256, 384))  # noqa: E741  (the paper's)
    module = Branches(
        branch0=ConvNorm(channels, n, 3, 2, pad),
        branch1=nn.Sequential(ConvNorm(channels, k, 1), same(k, l, 3), ConvNorm(l, m, 3, 2, pad)),
        branch2=nn.MaxPool2d(3, 2, pad),
    )
    return module, n + m + channels


def reduction_b(channels: int, share: float, pad: int) -> tuple[nn.Module, int]:
    """Figure 8: 17x17 to 8x8."""
    a, b, c = (slim(width, share) for width in (192, 256, 320))
    module = Branches(
        branch0=nn.Sequential(ConvNorm(channels, a, 1), ConvNorm(a, a, 3, 2, pad)),
        branch1=nn.Sequential(
            ConvNorm(channels, b, 1),
            same(b, b, (1, 7)),
            same(b, c, (7, 1)),
            ConvNorm(c, c, 3, 2, pad),
        ),
        branch2=nn.MaxPool2d(3, 2, pad),
    )
    return module, a + c + channels


@register(task="classify", paper="arXiv:1602.07261", variants=VARIANTS)
class InceptionV4(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}. H and W at least 75; best at 299."""

    def __init__(self, variant: Variant, classes: int = 1000) -> None:
        super().__init__()
        layers, ends, channels = _stem(variant)
        share, pad, stride = variant.share, int(variant.small), max(ends.values())
        for depth, block, reduction in zip(
            variant.depths[:2], (inception_a, inception_b), (reduction_a, reduction_b), strict=True
        ):
            for _ in range(depth):
                module, channels = block(channels, share)
                layers.append(module)
            ends[len(layers) - 1] = stride
            module, channels = reduction(channels, share, pad)
            layers.append(module)
            stride *= 2
        for _ in range(variant.depths[2]):
            layers.append(InceptionC(channels, share))
            channels = 6 * slim(256, share)
        ends[len(layers) - 1] = stride
        unique = {s: i for i, s in ends.items()}  # the last layer of a stride
        self.features = Features(
            {str(i): layer for i, layer in enumerate(layers)},
            {str(i): s for s, i in unique.items()},
        )
        self.dropout = nn.Dropout(0.2)
        self.last_linear = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        x = last(self.features(x)).mean(dim=(2, 3))
        return {"logits": self.last_linear(self.dropout(x))}


def _stem(variant: Variant) -> tuple[list[nn.Module], dict[int, int], int]:
    """Figure 3, to stride 8 and 384 channels; small: two convolutions to stride 2."""
    if variant.small:
        width = slim(384, variant.share)
        small: list[nn.Module] = [same(3, width // 2, 3), ConvNorm(width // 2, width, 3, 2, 1)]
        return small, {0: 1, 1: 2}, width
    layers: list[nn.Module] = [ConvNorm(3, 32, 3, 2), ConvNorm(32, 32, 3), same(32, 64, 3)]
    layers += [Pooled(64, 96, pool_first=True), _stem_split(), Pooled(192, 192, pool_first=False)]
    return layers, {2: 2, 4: 4, 5: 8}, 384
