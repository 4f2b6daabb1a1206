"""ShuffleNet v2. Ma et al., "ShuffleNet V2: Practical Guidelines ...", arXiv:1807.11164.

Table 5. State-dict keys are torchvision's, so its checkpoints (BSD-3-Clause, ImageNet) load
strictly.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgecv.zoo.blocks.features import last
from edgecv.zoo.classify.shufflenet_v1 import shuffle
from edgecv.zoo.registry import register


class Variant(NamedTuple):
    """One column of Table 5."""

    widths: tuple[int, ...]  # conv1, the stages, conv5
    depths: tuple[int, ...]
    small: bool  # for 32 x 32 pixels: a stem of stride 1 without pooling
    params: int  # with 1000 classes
    recipe: str = "classify/shufflenet_v2"


_DEPTHS = (4, 8, 4)
VARIANTS = {
    "shufflenet_v2_x0_5": Variant((24, 48, 96, 192, 1024), _DEPTHS, False, 1_366_792),
    "shufflenet_v2_x1_0": Variant((24, 116, 232, 464, 1024), _DEPTHS, False, 2_278_604),
    "shufflenet_v2_x1_5": Variant((24, 176, 352, 704, 1024), _DEPTHS, False, 3_503_624),
    "shufflenet_v2_x2_0": Variant((24, 244, 488, 976, 2048), _DEPTHS, False, 7_393_996),
    "shufflenet_v2_tiny": Variant(
        (24, 48, 96, 192, 256), (2, 2, 2), True, 375_064, "tiny/shufflenet_v2"
    ),
}


def _pointwise(channels: int, width: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]


def _depthwise(channels: int, stride: int) -> list[nn.Module]:
    conv = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
    return [conv, nn.BatchNorm2d(channels)]


class Unit(nn.Module):
    """Figure 3c (stride 1: half of the channels passes) and 3d (stride 2: both are computed)."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        half = width // 2
        self.stride = stride
        self.branch1 = nn.Sequential()
        if stride == 2:
            self.branch1.extend([*_depthwise(channels, 2), *_pointwise(channels, half)])
        layers = _pointwise(channels if stride == 2 else half, half)
        self.branch2 = nn.Sequential(*layers, *_depthwise(half, stride), *_pointwise(half, half))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, width, H / stride, W / stride)."""
        if self.stride == 2:
            passed, changed = self.branch1(x), x
        else:
            passed, changed = x.chunk(2, dim=1)
        return shuffle(torch.cat([passed, self.branch2(changed)], dim=1), 2)


@register(task="classify", paper="arXiv:1807.11164", variants=VARIANTS)
class ShuffleNetV2(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}. H and W at least 32 (tiny: 8)."""

    def __init__(self, variant: Variant, classes: int = 1000) -> None:
        super().__init__()
        self.small = variant.small
        channels, *widths, final = variant.widths
        stem = nn.Conv2d(3, channels, 3, 1 if variant.small else 2, 1, bias=False)
        self.conv1 = nn.Sequential(stem, nn.BatchNorm2d(channels), nn.ReLU())
        self.stages = tuple(f"stage{i + 2}" for i in range(len(widths)))
        for name, width, depth in zip(self.stages, widths, variant.depths, strict=True):
            units = nn.Sequential(Unit(channels, width, 2))
            units.extend([Unit(width, width, 1) for _ in range(depth - 1)])
            self.add_module(name, units)
            channels = width
        self.conv5 = nn.Sequential(*_pointwise(channels, final))
        self.fc = nn.Linear(final, classes)

    def features(self, x: Tensor) -> dict[int, Tensor]:
        """{stride: map}: the stem (2), its pooling (4), and every stage (8, 16, 32)."""
        x = self.conv1(x)
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
        return {"logits": self.fc(self.conv5(last(self.features(x))).mean(dim=(2, 3)))}
