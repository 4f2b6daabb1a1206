"""Squeeze-and-excitation networks. Hu et al., "Squeeze-and-Excitation Networks", arXiv:1709.01507.

SE-ResNet and SE-ResNeXt with reduction 16: a gate per channel on every residual, before it is
added (Figure 3). State-dict keys are those of timm's `seresnet50`, `seresnet101` and
`seresnext50_32x4d`, so its checkpoints load strictly; the stem and the place of the stride are
those of edgecv's ResNet, and so is `norm`; with `instance` a gate sees no picture, since the mean
of a normalised channel is its bias.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgecv.zoo.classify.resnet import BasicBlock, Bottleneck, Norm, ResNet, Variant
from edgecv.zoo.registry import register

REDUCTION = 16
_RESNET, _RESNEXT = "classify/seresnet50", "classify/seresnext50_32x4d"
VARIANTS = {
    "seresnet50": Variant(True, (3, 4, 6, 3), 64, True, 28_088_024, _RESNET),
    "seresnet101": Variant(True, (3, 4, 23, 3), 64, True, 49_326_872, _RESNET),
    "seresnext50_32x4d": Variant(
        True, (3, 4, 6, 3), 64, True, 27_559_896, _RESNEXT, groups=32, group_width=4
    ),
    "seresnet_tiny": Variant(False, (1, 1, 1), 16, False, 143_412, "tiny/senet"),
}


class SqueezeExcite(nn.Module):
    """Section 3: global average, two dense layers (as 1x1 convolutions), a gate per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(4, channels // REDUCTION)
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> the same shape."""
        gate = torch.relu(self.fc1(x.mean(dim=(2, 3), keepdim=True)))
        return x * torch.sigmoid(self.fc2(gate))


class SeBasicBlock(BasicBlock):
    """A basic block whose residual is gated."""

    def __init__(
        self, channels: int, width: int, stride: int, shortcut: nn.Module | None, norm: Norm
    ) -> None:
        super().__init__(channels, width, stride, None, norm)
        self.se = SqueezeExcite(width)
        del self.downsample  # the published keys name the gate before the shortcut
        self.downsample = shortcut

    def residual(self, x: Tensor) -> Tensor:
        """The gated residual."""
        x = self.se(super().residual(x))
        return x


class SeBottleneck(Bottleneck):
    """A bottleneck whose residual is gated."""

    def __init__(
        self,
        channels: int,
        width: int,
        stride: int,
        shortcut: nn.Module | None,
        norm: Norm,
        variant: Variant,
    ) -> None:
        super().__init__(channels, width, stride, None, norm, variant)
        self.se = SqueezeExcite(4 * width)
        del self.downsample  # the published keys name the gate before the shortcut
        self.downsample = shortcut

    def residual(self, x: Tensor) -> Tensor:
        """The gated residual."""
        x = self.se(super().residual(x))
        return x


@register(task="classify", paper="arXiv:1709.01507", variants=VARIANTS)
class SeNet(ResNet):
    """(N, 3, H, W) float -> {"logits": (N, classes)}. H and W at least 32 (tiny: 4)."""

    def block(
        self, channels: int, width: int, stride: int, shortcut: nn.Module | None
    ) -> nn.Module:
        """One gated residual block."""
        if self.variant.bottleneck:
            return SeBottleneck(channels, width, stride, shortcut, self.norm, self.variant)
        return SeBasicBlock(channels, width, stride, shortcut, self.norm)
