"""ResNet. He et al., "Deep Residual Learning for Image Recognition", arXiv:1512.03385.

Differs from the paper: the stride of a bottleneck sits on its 3x3 convolution, not the first 1x1
(known as v1.5), as in the public ImageNet weights; `resnet_tiny`, the CIFAR form of section 4.2
with n = 1 (8 layers), has projection shortcuts (option B) instead of zero padding. `resnet20` to
`resnet110` are section 4.2 as it stands, with the shortcuts without parameters (option A). `norm`
exchanges batch normalisation for layer, instance or group normalisation (32 groups; Wu & He,
arXiv:1803.08494, tried them all on ResNet-50): those do not need a large batch, keep statistics at
inference time, and cannot be folded into the convolution, so int8 engines run slower with them.
State-dict keys are torchvision's, so its checkpoints (BSD-3-Clause, trained on ImageNet) load
strictly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgecv.errors import UnknownName
from edgecv.zoo.blocks.features import last
from edgecv.zoo.registry import register

Norm = Callable[[int], nn.Module]


class Variant(NamedTuple):
    """One column of Table 1, or a CIFAR form of section 4.2; later papers add the last columns."""

    bottleneck: bool
    depths: tuple[int, ...]  # blocks per stage; every stage after the first halves the side
    width: int  # channels of the first stage; every later stage doubles them
    pooled_stem: bool  # 7x7 stride 2 and max pooling (ImageNet); else one 3x3 (CIFAR)
    params: int  # with 1000 classes
    recipe: str = "classify/resnet18"
    padded_shortcut: bool = False  # option A: zeros for the missing channels, no projection
    groups: int = 1  # of a bottleneck's 3x3 convolution (ResNeXt: cardinality)
    group_width: int = 64  # its channels per group in the first stage


_CIFAR = "classify/resnet20"
VARIANTS = {
    "resnet_tiny": Variant(False, (1, 1, 1), 16, False, 142_392, "tiny/resnet"),
    "resnet18": Variant(False, (2, 2, 2, 2), 64, True, 11_689_512),
    "resnet34": Variant(False, (3, 4, 6, 3), 64, True, 21_797_672),
    "resnet50": Variant(True, (3, 4, 6, 3), 64, True, 25_557_032),
    "resnet101": Variant(True, (3, 4, 23, 3), 64, True, 44_549_160),
    "resnet152": Variant(True, (3, 8, 36, 3), 64, True, 60_192_808),
    "resnet20": Variant(False, (3, 3, 3), 16, False, 334_072, _CIFAR, True),
    "resnet32": Variant(False, (5, 5, 5), 16, False, 528_504, _CIFAR, True),
    "resnet56": Variant(False, (9, 9, 9), 16, False, 917_368, _CIFAR, True),
    "resnet110": Variant(False, (18, 18, 18), 16, False, 1_792_312, _CIFAR, True),
}
NORMS: dict[str, Norm] = {
    "batch": nn.BatchNorm2d,
    # over channels and cells of one picture: one group
    "layer": lambda channels: nn.GroupNorm(1, channels),
    "instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),
    # 32 groups as in the paper; slim layers keep 2 channels a group, as its narrowest do
    "group": lambda channels: nn.GroupNorm(min(32, channels // 2), channels),
}


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around an identity path (Figure 5, left)."""

    expansion = 1

    def __init__(
        self,
        channels: int,
        width: int,
        stride: int,
        shortcut: nn.Module | None,
        norm: Norm = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = norm(width)
        self.downsample = shortcut

    def residual(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, width, H / stride, W / stride)."""
        y = torch.relu(self.bn1(self.conv1(x)))
        given: Tensor = self.bn2(self.conv2(y))
        return given

    def forward(self, x: Tensor) -> Tensor:
        """The residual and the shortcut, added and rectified."""
        return torch.relu(self.residual(x) + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 with a four times wider output (Figure 5, right)."""

    expansion = 4

    def __init__(
        self,
        channels: int,
        width: int,
        stride: int,
        shortcut: nn.Module | None,
        norm: Norm,
        variant: Variant,
    ) -> None:
        super().__init__()
        inner = width * variant.group_width // 64 * variant.groups
        self.conv1 = nn.Conv2d(channels, inner, 1, bias=False)
        self.bn1 = norm(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, groups=variant.groups, bias=False)
        self.bn2 = norm(inner)
        self.conv3 = nn.Conv2d(inner, 4 * width, 1, bias=False)
        self.bn3 = norm(4 * width)
        self.downsample = shortcut

    def residual(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, 4 width, H / stride, W / stride)."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        given: Tensor = self.bn3(self.conv3(y))
        return given

    def forward(self, x: Tensor) -> Tensor:
        """The residual and the shortcut, added and rectified."""
        return torch.relu(self.residual(x) + (x if self.downsample is None else self.downsample(x)))


class Padded(nn.Module):
    """Option A: every `stride`-th pixel, zeros for the channels the input does not have."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.before = (width - channels) // 2
        self.after = width - channels - self.before
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, width, H / stride, W / stride)."""
        x = x[:, :, :: self.stride, :: self.stride]
        return nn.functional.pad(x, (0, 0, 0, 0, self.before, self.after))


def project(channels: int, width: int, stride: int, norm: Norm = nn.BatchNorm2d) -> nn.Sequential:
    """Option B: a 1x1 convolution, normalised."""
    return nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), norm(width))


def basic_stage(channels: int, width: int, depth: int, stride: int) -> nn.Sequential:
    """`depth` basic blocks, the first with `stride`: a stage for networks built on this one."""
    plain = stride == 1 and channels == width
    shortcut = None if plain else project(channels, width, stride)
    blocks = [BasicBlock(channels, width, stride, shortcut)]
    blocks += [BasicBlock(width, width, 1, None) for _ in range(depth - 1)]
    return nn.Sequential(*blocks)


def initialise(module: nn.Module) -> None:
    """He initialisation of every convolution below `module` (arXiv:1502.01852, fan out)."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")


@register(task="classify", paper="arXiv:1512.03385", variants=VARIANTS)
class ResNet(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}. H and W at least 32 (CIFAR forms: 4).

    `norm` is batch, layer, instance or group.
    """

    def __init__(self, variant: Variant, classes: int = 1000, norm: str = "batch") -> None:
        super().__init__()
        if norm not in NORMS:
            raise UnknownName("normalisation", norm, NORMS)
        self.variant, self.norm = variant, NORMS[norm]
        kernel, stride = (7, 2) if variant.pooled_stem else (3, 1)
        self.conv1 = nn.Conv2d(3, variant.width, kernel, stride, kernel // 2, bias=False)
        self.bn1 = self.norm(variant.width)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if variant.pooled_stem else nn.Identity()
        channels = variant.width
        self.stages = tuple(f"layer{i + 1}" for i in range(len(variant.depths)))
        for i, (name, depth) in enumerate(zip(self.stages, variant.depths, strict=True)):
            width = variant.width << i
            stage, channels = self._stage(channels, width, depth, 2 if i else 1)
            self.add_module(name, stage)
        self.fc = nn.Linear(channels, classes)
        initialise(self)

    def block(
        self, channels: int, width: int, stride: int, shortcut: nn.Module | None
    ) -> nn.Module:
        """One residual block; networks built on this one exchange it."""
        if self.variant.bottleneck:
            return Bottleneck(channels, width, stride, shortcut, self.norm, self.variant)
        return BasicBlock(channels, width, stride, shortcut, self.norm)

    def _stage(
        self, channels: int, width: int, depth: int, stride: int
    ) -> tuple[nn.Sequential, int]:
        """`depth` blocks, the first with `stride`, and how many channels they give."""
        given = width * (Bottleneck if self.variant.bottleneck else BasicBlock).expansion
        shortcut = self._shortcut(channels, given, stride)
        blocks = [self.block(channels, width, stride, shortcut)]
        blocks += [self.block(given, width, 1, None) for _ in range(depth - 1)]
        return nn.Sequential(*blocks), given

    def _shortcut(self, channels: int, width: int, stride: int) -> nn.Module | None:
        """What a block whose input and output differ adds its input through; None for identity."""
        if stride == 1 and channels == width:
            return None
        if self.variant.padded_shortcut:
            return Padded(channels, width, stride)
        return project(channels, width, stride, self.norm)

    def features(self, x: Tensor) -> dict[int, Tensor]:
        """{stride: map} of the stem before its pooling and of every stage: 2, 4, 8, 16, 32."""
        x = torch.relu(self.bn1(self.conv1(x)))
        stride = 2 if self.variant.pooled_stem else 1
        found = {stride: x}
        x = self.maxpool(x)
        stride *= 2 if self.variant.pooled_stem else 1
        for i, name in enumerate(self.stages):
            x = found[stride << i] = self.get_submodule(name)(x)
        return found

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        return {"logits": self.fc(last(self.features(x)).mean(dim=(2, 3)))}
