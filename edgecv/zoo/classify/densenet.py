"""DenseNet. Huang et al., "Densely Connected Convolutional Networks", arXiv:1608.06993.

DenseNet-BC: bottlenecks of 4k filters, compression 0.5 (Table 1). State-dict keys are
torchvision's; its published files (BSD-3-Clause, ImageNet) carry older names (`norm.1` for
`norm1`), which load as well. The paper's dropout of 0.2 (for data without augmentation) is not
here: inside a dense block it sits between normalisations, whose statistics it shifts (Li et al.,
arXiv:1801.05134).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgecv.zoo.blocks.features import last
from edgecv.zoo.registry import register


class Variant(NamedTuple):
    """One column of Table 1."""

    growth: int  # k
    depths: tuple[int, ...]  # dense layers of each block
    stem: int  # filters of the first convolution
    small: bool  # for 32 x 32 pixels: a 3x3 stem of stride 1
    params: int  # with 1000 classes
    recipe: str = "classify/densenet121"


VARIANTS = {
    "densenet121": Variant(32, (6, 12, 24, 16), 64, False, 7_978_856),
    "densenet161": Variant(48, (6, 12, 36, 24), 96, False, 28_681_000),
    "densenet169": Variant(32, (6, 12, 32, 32), 64, False, 14_149_480),
    "densenet201": Variant(32, (6, 12, 48, 32), 64, False, 20_013_928),
    "densenet_tiny": Variant(8, (3, 4, 4), 16, True, 99_932, "tiny/densenet"),
}


class DenseLayer(nn.Module):
    """BN-ReLU-1x1-BN-ReLU-3x3 (section 3, "Bottleneck layers")."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, channels + growth, H, W): the input and what it adds."""
        y = self.conv1(torch.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(torch.relu(self.norm2(y)))], dim=1)


class Transition(nn.Module):
    """Between blocks: half the channels, half the side."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, channels // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, channels / 2, H / 2, W / 2)."""
        return nn.functional.avg_pool2d(self.conv(torch.relu(self.norm(x))), 2)


class Stages(nn.Module):
    """Stem, dense blocks and transitions: what torchvision calls `features`."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self.pooled = not variant.small
        kernel, stride = (3, 1) if variant.small else (7, 2)
        self.conv0 = nn.Conv2d(3, variant.stem, kernel, stride, kernel // 2, bias=False)
        self.norm0 = nn.BatchNorm2d(variant.stem)
        channels = variant.stem
        self.count = len(variant.depths)
        for i, depth in enumerate(variant.depths, 1):
            block = nn.Sequential()
            for j in range(1, depth + 1):
                block.add_module(f"denselayer{j}", DenseLayer(channels, variant.growth))
                channels += variant.growth
            self.add_module(f"denseblock{i}", block)
            if i < self.count:
                self.add_module(f"transition{i}", Transition(channels))
                channels //= 2
        self.norm5 = nn.BatchNorm2d(channels)
        self.channels = channels

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """(N, 3, H, W) -> {stride: map}; the last one is normalised and rectified."""
        x = torch.relu(self.norm0(self.conv0(x)))
        stride = 2 if self.pooled else 1
        found: dict[int, Tensor] = {}
        if self.pooled:
            found[stride] = x
            x, stride = nn.functional.max_pool2d(x, 3, 2, 1), 4
        for i in range(1, self.count + 1):
            x = found[stride] = self.get_submodule(f"denseblock{i}")(x)
            if i < self.count:
                x, stride = self.get_submodule(f"transition{i}")(x), stride * 2
        found[stride] = torch.relu(self.norm5(x))
        return found


@register(task="classify", paper="arXiv:1608.06993", variants=VARIANTS)
class DenseNet(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}. H and W at least 32 (tiny: 4)."""

    older_keys = ((r"(denselayer\d+\.(?:norm|conv))\.([12])\.", r"\1\2."),)

    def __init__(self, variant: Variant, classes: int = 1000) -> None:
        super().__init__()
        self.features = Stages(variant)
        self.classifier = nn.Linear(self.features.channels, classes)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        return {"logits": self.classifier(last(self.features(x)).mean(dim=(2, 3)))}
