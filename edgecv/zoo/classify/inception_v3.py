"""Inception v3. Szegedy et al., "Rethinking the Inception Architecture", arXiv:1512.00567.

The module tables follow the public weights (torchvision's keys; BSD-3-Clause, ImageNet, ported
from TensorFlow), which differ from the paper's Table 1 in three details: the 5x5 branch of the
35x35 modules stays a 5x5, the 17x17 modules grow from 128 to 192 filters, and the auxiliary
classifier sits on the last of them. It is the output `aux` in training mode only (and needs at
least 17x17 cells there: 299 pixels); its weights belong to the state dict. `aux=False` leaves it
out, which also lets the network train on smaller pictures. Dropout 0.5 (torchvision's) comes after
the last normalisation, so it shifts no statistics (Li et al., arXiv:1801.05134).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgecv.zoo.blocks.conv_norm import ConvNorm
from edgecv.zoo.blocks.features import last
from edgecv.zoo.blocks.widths import slim
from edgecv.zoo.registry import register


class Conv(NamedTuple):
    """One convolution of a branch; `reads` is the convolution or pooling before it."""

    name: str  # state-dict key inside the module
    width: int
    kernel: int | tuple[int, int] = 1
    stride: int = 1


Branch = tuple[Conv | str | tuple[Conv, Conv], ...]  # "avg", "max"; a pair: two of one input
_AVG, _MAX = "avg", "max"


def _a(pool: int) -> tuple[Branch, ...]:
    """Figure 5: the 35x35 modules."""
    return (
        (Conv("branch1x1", 64),),
        (Conv("branch5x5_1", 48), Conv("branch5x5_2", 64, 5)),
        (
            Conv("branch3x3dbl_1", 64),
            Conv("branch3x3dbl_2", 96, 3),
            Conv("branch3x3dbl_3", 96, 3),
        ),
        (_AVG, Conv("branch_pool", pool)),
    )


def _c(width: int) -> tuple[Branch, ...]:
    """Figure 6 with n = 7: the 17x17 modules."""
    return (
        (Conv("branch1x1", 192),),
        (
            Conv("branch7x7_1", width),
            Conv("branch7x7_2", width, (1, 7)),
            Conv("branch7x7_3", 192, (7, 1)),
        ),
        (
            Conv("branch7x7dbl_1", width),
            Conv("branch7x7dbl_2", width, (7, 1)),
            Conv("branch7x7dbl_3", width, (1, 7)),
            Conv("branch7x7dbl_4", width, (7, 1)),
            Conv("branch7x7dbl_5", 192, (1, 7)),
        ),
        (_AVG, Conv("branch_pool", 192)),
    )


_B: tuple[Branch, ...] = (  # Figure 10: 35x35 to 17x17
    (Conv("branch3x3", 384, 3, 2),),
    (
        Conv("branch3x3dbl_1", 64),
        Conv("branch3x3dbl_2", 96, 3),
        Conv("branch3x3dbl_3", 96, 3, 2),
    ),
    (_MAX,),
)
_D: tuple[Branch, ...] = (  # 17x17 to 8x8
    (Conv("branch3x3_1", 192), Conv("branch3x3_2", 320, 3, 2)),
    (
        Conv("branch7x7x3_1", 192),
        Conv("branch7x7x3_2", 192, (1, 7)),
        Conv("branch7x7x3_3", 192, (7, 1)),
        Conv("branch7x7x3_4", 192, 3, 2),
    ),
    (_MAX,),
)
_E: tuple[Branch, ...] = (  # Figure 7: the 8x8 modules
    (Conv("branch1x1", 320),),
    (
        Conv("branch3x3_1", 384),
        (Conv("branch3x3_2a", 384, (1, 3)), Conv("branch3x3_2b", 384, (3, 1))),
    ),
    (
        Conv("branch3x3dbl_1", 448),
        Conv("branch3x3dbl_2", 384, 3),
        (Conv("branch3x3dbl_3a", 384, (1, 3)), Conv("branch3x3dbl_3b", 384, (3, 1))),
    ),
    (_AVG, Conv("branch_pool", 192)),
)
MODULES: dict[str, tuple[Branch, ...]] = {
    "Mixed_5b": _a(32),
    "Mixed_5c": _a(64),
    "Mixed_5d": _a(64),
    "Mixed_6a": _B,
    "Mixed_6b": _c(128),
    "Mixed_6c": _c(160),
    "Mixed_6d": _c(160),
    "Mixed_6e": _c(192),
    "Mixed_7a": _D,
    "Mixed_7b": _E,
    "Mixed_7c": _E,
}


class Variant(NamedTuple):
    """The whole table, or a slim form of it."""

    share: float  # of the table's widths
    modules: tuple[str, ...]
    small: bool  # for 32 x 32 pixels: a stem of stride 2, padded reductions, no auxiliary head
    params: int  # with 1000 classes, auxiliary classifier included
    recipe: str


VARIANTS = {
    "inception_v3": Variant(1.0, tuple(MODULES), False, 27_161_264, "classify/inception_v3"),
    "inception_v3_tiny": Variant(
        0.25, ("Mixed_5b", "Mixed_6a", "Mixed_6b", "Mixed_7a", "Mixed_7b"), True, 1_103_552,
        "tiny/inception_v3",
    ),
}  # fmt: skip


class Mixed(nn.Module):
    """Branches over one input, concatenated in the table's order."""

    def __init__(self, channels: int, branches: tuple[Branch, ...], share: float, pad: int) -> None:
        """Build a table's branches; `pad` is the padding of what has stride 2."""
        super().__init__()
        self.pad = pad
        self.paths: list[list[str | tuple[str, ...]]] = []
        self.width = 0
        for branch in branches:
            path, width = self._branch(channels, branch, share)
            self.paths.append(path)
            self.width += width

    def _branch(
        self, channels: int, branch: Branch, share: float
    ) -> tuple[list[str | tuple[str, ...]], int]:
        path: list[str | tuple[str, ...]] = []
        for step in branch:
            if isinstance(step, str):
                path.append(step)
                continue
            convs = (step,) if isinstance(step, Conv) else step
            for conv in convs:
                kernel = (conv.kernel,) * 2 if isinstance(conv.kernel, int) else conv.kernel
                padding = self.pad if conv.stride == 2 else (kernel[0] // 2, kernel[1] // 2)
                width = slim(conv.width, share)
                layer = ConvNorm(channels, width, conv.kernel, conv.stride, padding)
                self.add_module(conv.name, layer)
            path.append(tuple(conv.name for conv in convs))
            channels = len(convs) * slim(convs[0].width, share)
        return path, channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, width, H', W')."""
        return torch.cat([self._walk(x, path) for path in self.paths], dim=1)

    def _walk(self, x: Tensor, path: list[str | tuple[str, ...]]) -> Tensor:
        for step in path:
            if step == _AVG:
                x = nn.functional.avg_pool2d(x, 3, 1, 1)
            elif step == _MAX:
                x = nn.functional.max_pool2d(x, 3, 2, self.pad)
            else:
                parts = [self.get_submodule(name)(x) for name in step]
                x = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
        return x


class Auxiliary(nn.Module):
    """Section 4: the classifier on the last 17x17 map."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.conv0 = ConvNorm(channels, 128, 1)
        self.conv1 = ConvNorm(128, 768, 5)
        self.fc = nn.Linear(768, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, 17, 17) -> (N, classes)."""
        x = self.conv1(self.conv0(nn.functional.avg_pool2d(x, 5, 3)))
        logits: Tensor = self.fc(x.mean(dim=(2, 3)))
        return logits


@register(task="classify", paper="arXiv:1512.00567", variants=VARIANTS)
class InceptionV3(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}, in training also "aux". Made for 299.

    Without `aux`, and in the slim form, there is no auxiliary classifier.
    """

    def __init__(self, variant: Variant, classes: int = 1000, aux: bool = True) -> None:
        super().__init__()
        self.small, self.aux = variant.small, aux and not variant.small
        channels = self._stem(variant)
        self.names = variant.modules
        for name in self.names:
            mixed = Mixed(channels, MODULES[name], variant.share, 1 if variant.small else 0)
            self.add_module(name, mixed)
            channels = mixed.width
            if name == "Mixed_6e" and self.aux:
                self.AuxLogits = Auxiliary(channels, classes)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(channels, classes)

    def _stem(self, variant: Variant) -> int:
        """Five convolutions and two poolings to stride 8; small: two convolutions to stride 2."""
        a, b, c, d = (slim(width, variant.share) for width in (32, 64, 80, 192))
        if variant.small:
            self.Conv2d_1a_3x3 = ConvNorm(3, a, 3, 1, 1)
            self.Conv2d_4a_3x3 = ConvNorm(a, d, 3, 2, 1)
            return d
        self.Conv2d_1a_3x3 = ConvNorm(3, a, 3, 2)
        self.Conv2d_2a_3x3 = ConvNorm(a, a, 3)
        self.Conv2d_2b_3x3 = ConvNorm(a, b, 3, 1, 1)
        self.Conv2d_3b_1x1 = ConvNorm(b, c, 1)
        self.Conv2d_4a_3x3 = ConvNorm(c, d, 3)
        return d

    def features(self, x: Tensor) -> dict[int, Tensor]:
        """{stride: map}: 2, 4, 8, 16, 32 (tiny: 1, 2, 4, 8)."""
        found: dict[int, Tensor] = {}
        if self.small:
            found[1] = self.Conv2d_1a_3x3(x)
            x, stride = self.Conv2d_4a_3x3(found[1]), 2
        else:
            found[2] = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
            x = self.Conv2d_3b_1x1(nn.functional.max_pool2d(found[2], 3, 2))
            found[4] = self.Conv2d_4a_3x3(x)
            x, stride = nn.functional.max_pool2d(found[4], 3, 2), 8
        for name in self.names:
            stride *= 2 if name in ("Mixed_6a", "Mixed_7a") else 1
            x = found[stride] = self.get_submodule(name)(x)
        return found

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        features = self.features(x)
        logits = self.fc(self.dropout(last(features).mean(dim=(2, 3))))
        if self.training and self.aux:
            return {"logits": logits, "aux": self.AuxLogits(features[16])}
        return {"logits": logits}
