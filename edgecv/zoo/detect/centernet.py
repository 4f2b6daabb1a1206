"""CenterNet. Zhou et al., "Objects as Points", arXiv:1904.07850.

`centernet_resnet18` is the ResNet-18 form of section 5 and Figure 6 (b) without deformable
convolutions: three 4x4 stride-2 transposed convolutions of 256 channels on the backbone of
arXiv:1804.06208. Keys follow the authors' public code (conv1 bn1 layer1..4 deconv_layers hm wh
reg), so its checkpoints load strictly; `heatmap`, `size` and `offset` are its hm, wh and reg.

`centernet_tiny` is ours: a residual encoder to stride 16 and an additive decoder back to
stride 4 that upsamples by nearest neighbour, because TensorRT-RTX runs no transposed
convolution in int8.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from edgecv.errors import ShapeError
from edgecv.zoo.classify.resnet import basic_stage, initialise
from edgecv.zoo.registry import register

HEATMAP_BIAS = -2.19  # a prior of 0.1 per cell: -log((1 - 0.1) / 0.1), RetinaNet section 4.1


class Variant(NamedTuple):
    """A backbone and its heads."""

    depths: tuple[int, int, int, int]  # blocks of stages 1..4 (strides 4, 8, 16, 32)
    head_width: int  # channels of the 3x3 convolution of each head
    params: int  # with 80 classes
    recipe: str


class TinyVariant(NamedTuple):
    """Channels and depths of the residual encoder."""

    widths: tuple[int, int, int, int]  # strides 2, 4, 8, 16
    depths: tuple[int, int, int]  # residual blocks at strides 4, 8, 16
    params: int  # with 10 classes
    recipe: str


VARIANTS = {
    "centernet_resnet18": Variant((2, 2, 2, 2), 64, 15_820_372, "detect/centernet_resnet18"),
}
TINY_VARIANTS = {
    "centernet_tiny": TinyVariant((16, 32, 64, 96), (1, 2, 2), 540_798, "tiny/centernet"),
}


def head(channels: int, width: int, outputs: int) -> nn.Sequential:
    """3x3 convolution, ReLU, 1x1 convolution (section 5 of the paper, last paragraph)."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, 1, 1), nn.ReLU(), nn.Conv2d(width, outputs, 1)
    )


def set_heatmap_prior(heatmap: nn.Sequential) -> None:
    """Start every cell at a probability of 0.1, whatever it sees."""
    last = heatmap[-1]
    if isinstance(last, nn.Conv2d) and last.bias is not None:
        nn.init.normal_(last.weight, std=0.01)
        nn.init.constant_(last.bias, HEATMAP_BIAS)


def start_small(regression: nn.Sequential) -> None:
    """Start sizes and offsets near 0: He initialisation of two channels would start at tens."""
    last = regression[-1]
    if isinstance(last, nn.Conv2d) and last.bias is not None:
        nn.init.normal_(last.weight, std=0.001)
        nn.init.zeros_(last.bias)


def check_side(x: Tensor, multiple: int) -> None:
    """Raise ShapeError unless H and W of (N, C, H, W) are multiples of `multiple`."""
    if x.shape[2] % multiple or x.shape[3] % multiple:
        raise ShapeError(
            f"centernet: height and width must be multiples of {multiple} pixels",
            got=f"{x.shape[2]}x{x.shape[3]}",
        )


@register(task="detect", paper="arXiv:1904.07850", variants=VARIANTS)
class CenterNet(nn.Module):
    """(N, 3, H, W) -> {"heatmap": (N, classes, H/4, W/4) logits, "size", "offset": (N, 2, …)}.

    `size` is width, height in cells; `offset` is x, y in cells from the cell's corner.
    H and W are multiples of 32.
    """

    def __init__(self, variant: Variant, classes: int = 80) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        depths = variant.depths
        self.layer1 = basic_stage(64, 64, depths[0], 1)
        self.layer2 = basic_stage(64, 128, depths[1], 2)
        self.layer3 = basic_stage(128, 256, depths[2], 2)
        self.layer4 = basic_stage(256, 512, depths[3], 2)
        ups: list[nn.Module] = []
        for channels in (512, 256, 256):
            up = nn.ConvTranspose2d(channels, 256, 4, 2, 1, bias=False)
            ups += [up, nn.BatchNorm2d(256), nn.ReLU()]
        self.deconv_layers = nn.Sequential(*ups)
        self.hm = head(256, variant.head_width, classes)
        self.wh = head(256, variant.head_width, 2)
        self.reg = head(256, variant.head_width, 2)
        initialise(self)
        set_heatmap_prior(self.hm)
        start_small(self.wh)
        start_small(self.reg)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        check_side(x, 32)
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        x = self.deconv_layers(x)
        return {"heatmap": self.hm(x), "size": self.wh(x), "offset": self.reg(x)}


class Merge(nn.Module):
    """Upsample `deep` by nearest neighbour, add `shallow`, smooth: one decoder step."""

    def __init__(self, deep: int, shallow: int) -> None:
        super().__init__()
        self.reduce = nn.Sequential(
            nn.Conv2d(deep, shallow, 1, bias=False), nn.BatchNorm2d(shallow)
        )
        self.smooth = nn.Sequential(
            nn.Conv2d(shallow, shallow, 3, 1, 1, bias=False), nn.BatchNorm2d(shallow)
        )

    def forward(self, deep: Tensor, shallow: Tensor) -> Tensor:
        """(N, deep, H, W), (N, shallow, 2H, 2W) -> (N, shallow, 2H, 2W)."""
        up = functional.interpolate(self.reduce(deep), scale_factor=2.0, mode="nearest")
        return torch.relu(self.smooth(torch.relu(up + shallow)))


@register(task="detect", paper="arXiv:1904.07850", variants=TINY_VARIANTS)
class TinyCenterNet(nn.Module):
    """As CenterNet, with a residual encoder-decoder; H and W are multiples of 16."""

    def __init__(self, variant: TinyVariant, classes: int = 10) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth = variant.widths
        self.conv1 = nn.Conv2d(3, half, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(half)
        self.layer1 = basic_stage(half, quarter, variant.depths[0], 2)
        self.layer2 = basic_stage(quarter, eighth, variant.depths[1], 2)
        self.layer3 = basic_stage(eighth, sixteenth, variant.depths[2], 2)
        self.up2 = Merge(sixteenth, eighth)
        self.up1 = Merge(eighth, quarter)
        self.hm = head(quarter, quarter, classes)
        self.wh = head(quarter, quarter, 2)
        self.reg = head(quarter, quarter, 2)
        initialise(self)
        set_heatmap_prior(self.hm)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        check_side(x, 16)
        x = torch.relu(self.bn1(self.conv1(x)))
        quarter = self.layer1(x)
        eighth = self.layer2(quarter)
        x = self.up1(self.up2(self.layer3(eighth), eighth), quarter)
        return {"heatmap": self.hm(x), "size": self.wh(x), "offset": self.reg(x)}
