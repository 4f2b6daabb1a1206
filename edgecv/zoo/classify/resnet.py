"""ResNet. He et al., "Deep Residual Learning for Image Recognition", arXiv:1512.03385.

Differs from the paper: the stride of a bottleneck sits on its 3x3 convolution, not the first 1x1
(known as v1.5), as in the public ImageNet weights; `resnet_tiny`, the CIFAR form of section 4.2
with n = 1 (8 layers), has projection shortcuts (option B) instead of zero padding.
State-dict keys are torchvision's, so its checkpoints (BSD-3-Clause, trained on ImageNet) load
strictly.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgecv.zoo.registry import register


class Variant(NamedTuple):
    """One column of Table 1, or the CIFAR form of section 4.2."""

    bottleneck: bool
    depths: tuple[int, ...]  # blocks per stage; every stage after the first halves the side
    width: int  # channels of the first stage; every later stage doubles them
    pooled_stem: bool  # 7x7 stride 2 and max pooling (ImageNet); else one 3x3 (CIFAR)
    params: int  # with 1000 classes
    recipe: str = "classify/resnet18"


VARIANTS = {
    "resnet_tiny": Variant(False, (1, 1, 1), 16, False, 142_392, "tiny/resnet"),
    "resnet18": Variant(False, (2, 2, 2, 2), 64, True, 11_689_512),
    "resnet34": Variant(False, (3, 4, 6, 3), 64, True, 21_797_672),
    "resnet50": Variant(True, (3, 4, 6, 3), 64, True, 25_557_032),
    "resnet101": Variant(True, (3, 4, 23, 3), 64, True, 44_549_160),
    "resnet152": Variant(True, (3, 8, 36, 3), 64, True, 60_192_808),
}


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around an identity path (Figure 5, left)."""

    expansion = 1

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = shortcut(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, width, H / stride, W / stride)."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 with a four times wider output (Figure 5, right)."""

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = shortcut(channels, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, 4 width, H / stride, W / stride)."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


def shortcut(channels: int, width: int, stride: int) -> nn.Sequential | None:
    """The projection of a block whose input and output differ (option B); None for identity."""
    if stride == 1 and channels == width:
        return None
    return nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))


def stage(
    block: type[BasicBlock] | type[Bottleneck], channels: int, width: int, depth: int, stride: int
) -> nn.Sequential:
    """`depth` blocks, the first with `stride`; the output has width x block.expansion channels."""
    blocks: list[nn.Module] = [block(channels, width, stride)]
    blocks += [block(width * block.expansion, width, 1) for _ in range(depth - 1)]
    return nn.Sequential(*blocks)


def initialise(module: nn.Module) -> None:
    """He initialisation of every convolution below `module` (arXiv:1502.01852, fan out)."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")


@register(task="classify", paper="arXiv:1512.03385", variants=VARIANTS)
class ResNet(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}. H and W at least 32 (tiny: 4)."""

    def __init__(self, variant: Variant, classes: int = 1000) -> None:
        super().__init__()
        kernel, stride = (7, 2) if variant.pooled_stem else (3, 1)
        self.conv1 = nn.Conv2d(3, variant.width, kernel, stride, kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(variant.width)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if variant.pooled_stem else nn.Identity()
        block = Bottleneck if variant.bottleneck else BasicBlock
        channels = width = variant.width
        self.stages = tuple(f"layer{i + 1}" for i in range(len(variant.depths)))
        for i, (name, depth) in enumerate(zip(self.stages, variant.depths, strict=True)):
            width = variant.width << i
            self.add_module(name, stage(block, channels, width, depth, 2 if i else 1))
            channels = width * block.expansion
        self.fc = nn.Linear(channels, classes)
        initialise(self)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for name in self.stages:
            x = self.get_submodule(name)(x)
        return {"logits": self.fc(x.mean(dim=(2, 3)))}
