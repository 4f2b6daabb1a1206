"""ShuffleNet v1. Zhang et al., "ShuffleNet", arXiv:1707.01083.

Table 1 for 1, 2, 3, 4 and 8 groups. As in section 3.2 the first 1x1 convolution of stage 2 has no
groups, the shuffle follows the first 1x1 of a unit, no ReLU the depthwise layer, and a unit of
stride 2 concatenates an average pooling. State-dict keys are edgecv's own.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgecv.zoo.blocks.features import last
from edgecv.zoo.registry import register


class Variant(NamedTuple):
    """One column of Table 1."""

    groups: int
    widths: tuple[int, ...]  # output channels of the stages
    depths: tuple[int, ...]  # units per stage
    stem: int  # filters of conv1
    small: bool  # for 32 x 32 pixels: a stem of stride 1 without pooling
    params: int  # with 1000 classes
    recipe: str = "classify/shufflenet_v1"


_DEPTHS = (4, 8, 4)
VARIANTS = {
    "shufflenet_v1_g1": Variant(1, (144, 288, 576), _DEPTHS, 24, False, 1_531_936),
    "shufflenet_v1_g2": Variant(2, (200, 400, 800), _DEPTHS, 24, False, 1_733_848),
    "shufflenet_v1_g3": Variant(3, (240, 480, 960), _DEPTHS, 24, False, 1_865_728),
    "shufflenet_v1_g4": Variant(4, (272, 544, 1088), _DEPTHS, 24, False, 1_968_344),
    "shufflenet_v1_g8": Variant(8, (384, 768, 1536), _DEPTHS, 24, False, 2_434_768),
    "shufflenet_v1_tiny": Variant(
        2, (64, 128, 256), (2, 2, 2), 16, True, 294_136, "tiny/shufflenet_v1"
    ),
}


def shuffle(x: Tensor, groups: int) -> Tensor:
    """Exchange channels between groups (Figure 1c): (N, g x c, H, W) read as (c, g)."""
    if groups == 1:
        return x
    batch, channels, height, width = x.shape
    x = x.reshape(batch, groups, channels // groups, height, width)
    return x.transpose(1, 2).reshape(batch, channels, height, width)


class Unit(nn.Module):
    """Figure 2b (stride 1) and 2c (stride 2)."""

    def __init__(self, channels: int, width: int, stride: int, groups: tuple[int, int]) -> None:
        """Take the groups of the first and of the last 1x1 convolution."""
        super().__init__()
        self.stride, self.groups = stride, groups[1]
        given = width - channels if stride == 2 else width
        inner = width // 4
        self.conv1 = nn.Conv2d(channels, inner, 1, groups=groups[0], bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, given, 1, groups=groups[1], bias=False)
        self.bn3 = nn.BatchNorm2d(given)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, width, H / stride, W / stride)."""
        y = shuffle(torch.relu(self.bn1(self.conv1(x))), self.groups)
        y = self.bn3(self.conv3(self.bn2(self.conv2(y))))
        if self.stride == 1:
            return torch.relu(x + y)
        pooled = nn.functional.avg_pool2d(x, 3, 2, 1)
        return torch.relu(torch.cat([pooled, y], dim=1))


@register(task="classify", paper="arXiv:1707.01083", variants=VARIANTS)
class ShuffleNetV1(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}. H and W at least 32 (tiny: 8)."""

    def __init__(self, variant: Variant, classes: int = 1000) -> None:
        super().__init__()
        self.small = variant.small
        channels = variant.stem
        self.conv1 = nn.Conv2d(3, channels, 3, 1 if variant.small else 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.stages = tuple(f"stage{i + 2}" for i in range(len(variant.depths)))
        for i, (name, depth) in enumerate(zip(self.stages, variant.depths, strict=True)):
            units = nn.Sequential()
            for j in range(depth):
                first = 1 if i == 0 and j == 0 else variant.groups
                groups = (first, variant.groups)
                units.append(Unit(channels, variant.widths[i], 1 if j else 2, groups))
                channels = variant.widths[i]
            self.add_module(name, units)
        self.fc = nn.Linear(channels, classes)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")

    def features(self, x: Tensor) -> dict[int, Tensor]:
        """{stride: map}: the stem (2), its pooling (4), and every stage (8, 16, 32)."""
        x = torch.relu(self.bn1(self.conv1(x)))
        stride = 1 if self.small else 2
        found = {stride: x}
        if not self.small:
            x = found[4] = nn.functional.max_pool2d(x, 3, 2, 1)
            stride = 4
        for i, name in enumerate(self.stages, 1):
            x = found[stride << i] = self.get_submodule(name)(x)
        return found

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        return {"logits": self.fc(last(self.features(x)).mean(dim=(2, 3)))}
