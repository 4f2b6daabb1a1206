"""Inception-ResNet v1 and v2. Szegedy et al., "Inception-v4 ...", arXiv:1602.07261, section 3.2.

v2's state-dict keys are those of timm's `inception_resnet_v2`, so its checkpoint loads strictly;
like it, v2 has the stem, the widths and the depths (10, 20 and 10 modules) of the public TensorFlow
weights, which differ from Figure 3 (the stem of Inception v4), Figures 16 to 19 and Figure 15 (5,
10 and 5). v1 follows Figures 10 to 15. The residual scales 0.17, 0.10 and 0.20 are the public
code's; section 3.3 asks for 0.1 to 0.3. The last residual module has no ReLU. Dropout keeps 0.8,
after the last normalisation.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgecv.zoo.blocks.branches import Branches
from edgecv.zoo.blocks.conv_norm import ConvNorm, same
from edgecv.zoo.blocks.features import last
from edgecv.zoo.blocks.widths import slim
from edgecv.zoo.registry import register

SCALES = (0.17, 0.10, 0.20)  # of the residuals of 35x35, 17x17 and 8x8 modules


class Residuals(NamedTuple):
    """Widths of the three kinds of residual module: every branch's convolutions in turn."""

    block35: tuple[tuple[int, ...], ...]
    block17: tuple[tuple[int, ...], ...]
    block8: tuple[tuple[int, ...], ...]


class Variant(NamedTuple):
    """Figure 15, v1 or v2, or a slim form."""

    second: bool  # v2: a Mixed_5b module ends the stem, a 1x1 convolution ends the network
    share: float
    depths: tuple[int, int, int]  # residual modules at 35x35, 17x17, 8x8
    residuals: Residuals
    reduction_a: tuple[int, int, int, int]  # k, l, m, n of Table 1
    reduction_b: tuple[int, int, int, int]  # first, 3x3 a, 3x3 b, 3x3 c
    small: bool  # for 32 x 32 pixels: a stem of stride 2, padded reductions
    params: int  # with 1000 classes
    recipe: str


_V1 = Residuals(((32,), (32, 32), (32, 32, 32)), ((128,), (128, 128, 128)), ((192,), (192,) * 3))
_V2 = Residuals(
    ((32,), (32, 32), (32, 48, 64)), ((192,), (128, 160, 192)), ((192,), (192, 224, 256))
)
_V1_A, _V1_B = (192, 192, 256, 384), (256, 384, 256, 256)
_V2_A, _V2_B = (256, 256, 384, 384), (256, 384, 288, 320)

VARIANTS = {
    "inception_resnet_v1": Variant(
        False, 1.0, (5, 10, 5), _V1, _V1_A, _V1_B, False, 22_756_328, "classify/inception_resnet_v1"
    ),
    "inception_resnet_v2": Variant(
        True, 1.0, (10, 20, 9), _V2, _V2_A, _V2_B, False, 55_843_464,
        "classify/inception_resnet_v2",
    ),
    "inception_resnet_v1_tiny": Variant(
        False, 0.125, (1, 1, 1), _V1, _V1_A, _V1_B, True, 349_544, "tiny/inception_resnet_v1"
    ),
    "inception_resnet_v2_tiny": Variant(
        True, 0.125, (1, 1, 1), _V2, _V2_A, _V2_B, True, 423_608, "tiny/inception_resnet_v2"
    ),
}  # fmt: skip


class Residual(nn.Module):
    """Branches, a linear 1x1 convolution, and a scaled sum with the input (Figures 10, 11, 13)."""

    def __init__(
        self,
        channels: int,
        branches: tuple[nn.Module, ...],
        width: int,
        scale: float,
        *,
        relu: bool,
    ) -> None:
        """Take the branches (`branch0` ...), their channels together, and the residual's scale."""
        super().__init__()
        self.count = len(branches)
        for i, branch in enumerate(branches):
            self.add_module(f"branch{i}", branch)
        self.conv2d = nn.Conv2d(width, channels, 1)
        self.scale, self.relu = scale, relu

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> the same shape."""
        parts = [self.get_submodule(f"branch{i}")(x) for i in range(self.count)]
        x = x + self.conv2d(torch.cat(parts, dim=1)) * self.scale
        return torch.relu(x) if self.relu else x


Kernels = tuple[int | tuple[int, int], ...]
_KERNELS: tuple[Kernels, ...] = ((1, 3, 3), (1, (1, 7), (7, 1)), (1, (1, 3), (3, 1)))


def residual(
    channels: int, widths: tuple[tuple[int, ...], ...], kind: int, share: float, *, relu: bool
) -> Residual:
    """A module of kind 0 (35x35), 1 (17x17) or 2 (8x8)."""
    branches: list[nn.Module] = []
    for row in widths:
        inputs = (channels, *(slim(width, share) for width in row))
        layers = [
            same(before, after, kernel)
            for before, after, kernel in zip(inputs, inputs[1:], _KERNELS[kind], strict=False)
        ]
        branches.append(layers[0] if len(layers) == 1 else nn.Sequential(*layers))
    total = sum(slim(row[-1], share) for row in widths)
    return Residual(channels, tuple(branches), total, SCALES[kind], relu=relu)


def mixed_5b() -> Branches:
    """The last module of v2's stem in the public weights: 192 -> 320 channels."""
    return Branches(
        branch0=ConvNorm(192, 96, 1),
        branch1=nn.Sequential(ConvNorm(192, 48, 1), same(48, 64, 5)),
        branch2=nn.Sequential(ConvNorm(192, 64, 1), same(64, 96, 3), same(96, 96, 3)),
        branch3=nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), ConvNorm(192, 64, 1)),
    )


@register(task="classify", paper="arXiv:1602.07261", variants=VARIANTS)
class InceptionResNet(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}. H and W at least 75; best at 299."""

    repeat: nn.Sequential
    repeat_1: nn.Sequential
    repeat_2: nn.Sequential

    def __init__(self, variant: Variant, classes: int = 1000) -> None:
        super().__init__()
        self.small, self.second = variant.small, variant.second
        share, pad = variant.share, int(variant.small)
        channels = self._stem(variant)
        names = ("repeat", "repeat_1", "repeat_2")
        for kind, (name, depth) in enumerate(zip(names, variant.depths, strict=True)):
            last_relu = not (kind == 2 and not variant.second)
            modules = [
                residual(
                    channels, variant.residuals[kind], kind, share,
                    relu=last_relu or i + 1 < depth,
                )
                for i in range(depth)
            ]  # fmt: skip
            self.add_module(name, nn.Sequential(*modules))
            if kind == 0:
                self.mixed_6a, channels = _reduction_a(channels, variant.reduction_a, share, pad)
            elif kind == 1:
                self.mixed_7a, channels = _reduction_b(channels, variant.reduction_b, share, pad)
        if variant.second:
            self.block8 = residual(channels, variant.residuals.block8, 2, share, relu=False)
            self.block8.scale = 1.0
            self.conv2d_7b = ConvNorm(channels, slim(1536, share), 1)
            channels = slim(1536, share)
        self.dropout = nn.Dropout(0.2)
        self.classif = nn.Linear(channels, classes)

    def _stem(self, variant: Variant) -> int:
        """Figure 14 (v1) or the public weights' stem (v2) to stride 8; small: to stride 2."""
        if variant.small:
            width = slim(256, variant.share)
            self.conv2d_1a = same(3, width // 2, 3)
            self.conv2d_4a = ConvNorm(width // 2, width, 3, 2, 1)
            return width
        self.conv2d_1a = ConvNorm(3, 32, 3, 2)
        self.conv2d_2a = ConvNorm(32, 32, 3)
        self.conv2d_2b = same(32, 64, 3)
        self.conv2d_3b = ConvNorm(64, 80, 1)
        self.conv2d_4a = ConvNorm(80, 192, 3)
        if variant.second:
            self.mixed_5b = mixed_5b()
            return 320
        self.conv2d_4b = ConvNorm(192, 256, 3, 2)
        return 256

    def features(self, x: Tensor) -> dict[int, Tensor]:
        """{stride: map}: 2, 4, 8, 16, 32 (tiny: 1, 2, 4, 8)."""
        found: dict[int, Tensor] = {}
        if self.small:
            found[1] = self.conv2d_1a(x)
            x, stride = self.conv2d_4a(found[1]), 2
        else:
            found[2] = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x)))
            x = self.conv2d_3b(nn.functional.max_pool2d(found[2], 3, 2))
            found[4] = self.conv2d_4a(x)
            if self.second:
                x = self.mixed_5b(nn.functional.max_pool2d(found[4], 3, 2))
            else:
                x = self.conv2d_4b(found[4])
            stride = 8
        found[stride] = self.repeat(x)
        found[stride * 2] = self.repeat_1(self.mixed_6a(found[stride]))
        x = self.repeat_2(self.mixed_7a(found[stride * 2]))
        found[stride * 4] = self.conv2d_7b(self.block8(x)) if self.second else x
        return found

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        x = last(self.features(x)).mean(dim=(2, 3))
        return {"logits": self.classif(self.dropout(x))}


def _reduction_a(
    channels: int, widths: tuple[int, ...], share: float, pad: int
) -> tuple[Branches, int]:
    """Figure 7: 35x35 to 17x17."""
    k, l, m, n = (slim(width, share) for width in widths)  # noqa: E741  (the paper's letters)
    module = Branches(
        branch0=ConvNorm(channels, n, 3, 2, pad),
        branch1=nn.Sequential(ConvNorm(channels, k, 1), same(k, l, 3), ConvNorm(l, m, 3, 2, pad)),
        branch2=nn.MaxPool2d(3, 2, pad),
    )
    return module, n + m + channels


def _reduction_b(
    channels: int, widths: tuple[int, ...], share: float, pad: int
) -> tuple[Branches, int]:
    """Figure 12 (v1) and 18 (v2): 17x17 to 8x8."""
    a, b, c, d = (slim(width, share) for width in widths)
    module = Branches(
        branch0=nn.Sequential(ConvNorm(channels, a, 1), ConvNorm(a, b, 3, 2, pad)),
        branch1=nn.Sequential(ConvNorm(channels, a, 1), ConvNorm(a, c, 3, 2, pad)),
        branch2=nn.Sequential(ConvNorm(channels, a, 1), same(a, c, 3), ConvNorm(c, d, 3, 2, pad)),
        branch3=nn.MaxPool2d(3, 2, pad),
    )
    return module, b + c + d + channels
