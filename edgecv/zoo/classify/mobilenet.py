"""MobileNet v1. Howard et al., "MobileNets", arXiv:1704.04861.

Table 1 with width multipliers. State-dict keys are those of timm's `mobilenetv1_100`, so its
checkpoint loads strictly. The activation is ReLU6, as in the public weights, where the paper has
ReLU: a ceiling bounds the range int8 has to cover. No dropout.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from edgecv.zoo.blocks.features import last
from edgecv.zoo.registry import register

# Table 1: output channels of the depthwise-separable layers, a row a stage; every stage but the
# first begins with stride 2
TABLE_1 = ((64,), (128, 128), (256, 256), (512,) * 6, (1024, 1024))


class Variant(NamedTuple):
    """Table 1 thinned."""

    width: float  # multiplier alpha
    stages: tuple[tuple[int, ...], ...]
    stem_stride: int
    params: int  # with 1000 classes
    recipe: str = "classify/mobilenet_v1"


VARIANTS = {
    "mobilenet_v1": Variant(1.0, TABLE_1, 2, 4_231_976),
    "mobilenet_v1_075": Variant(0.75, TABLE_1, 2, 2_585_560),
    "mobilenet_v1_050": Variant(0.5, TABLE_1, 2, 1_331_592),
    "mobilenet_v1_025": Variant(0.25, TABLE_1, 2, 470_072),
    "mobilenet_v1_tiny": Variant(
        0.25, ((64,), (128, 128), (256, 256), (512, 512)), 1, 166_328, "tiny/mobilenet_v1"
    ),
}


class Separable(nn.Module):
    """Section 3.1: a 3x3 convolution per channel, then a 1x1 convolution across them."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv_pw = nn.Conv2d(channels, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, width, H / stride, W / stride)."""
        x = nn.functional.relu6(self.bn1(self.conv_dw(x)))
        return nn.functional.relu6(self.bn2(self.conv_pw(x)))


@register(task="classify", paper="arXiv:1704.04861", variants=VARIANTS)
class MobileNetV1(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}. H and W at least 32 (tiny: 8)."""

    def __init__(self, variant: Variant, classes: int = 1000) -> None:
        super().__init__()
        self.stem_stride = variant.stem_stride
        channels = thin(32, variant.width)
        self.conv_stem = nn.Conv2d(3, channels, 3, variant.stem_stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.blocks = nn.Sequential()
        for i, stage in enumerate(variant.stages):
            layers = nn.Sequential()
            for j, width in enumerate(stage):
                after = thin(width, variant.width)
                layers.append(Separable(channels, after, 2 if i and not j else 1))
                channels = after
            self.blocks.append(layers)
        self.classifier = nn.Linear(channels, classes)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")

    def features(self, x: Tensor) -> dict[int, Tensor]:
        """{stride: map} of every stage: 2, 4, 8, 16, 32."""
        x = nn.functional.relu6(self.bn1(self.conv_stem(x)))
        found: dict[int, Tensor] = {}
        for i, stage in enumerate(self.blocks):
            x = found[self.stem_stride << i] = stage(x)
        return found

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        return {"logits": self.classifier(last(self.features(x)).mean(dim=(2, 3)))}


def thin(width: int, alpha: float) -> int:
    """Channels under the width multiplier: a multiple of 8, never below 90 % of alpha x width."""
    wanted = width * alpha
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded
