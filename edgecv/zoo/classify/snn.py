"""Self-normalising networks. Klambauer et al., arXiv:1706.02515.

SELU (section 2), LeCun-normal weights (variance 1 / fan in) and alpha dropout (section 2.3) keep
activations near zero mean and unit variance without normalisation layers. `snn_mlp` is the fully
connected form of section 3 (8 layers of 512 units); it has no feature maps. `snn_conv` carries the
rule to convolutions of stride 2 instead of poolings, whose maxima would shift the mean; the average
before its dense layers keeps the mean and lowers the variance. Alpha dropout keeps both, where
plain dropout would not.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgecv.zoo.blocks.features import Features, last
from edgecv.zoo.registry import register


class Variant(NamedTuple):
    """Widths of the layers."""

    convolutions: tuple[int, ...]  # filters, every second layer of stride 2; none: an MLP
    hidden: tuple[int, ...]  # units of the dense layers
    side: int  # input pixels a side that the dense layers are made for; conv: any
    dropout: float  # alpha dropout
    params: int  # with 1000 classes
    recipe: str


VARIANTS = {
    "snn_mlp": Variant((), (512,) * 8, 32, 0.05, 3_924_968, "classify/snn_mlp"),
    "snn_conv": Variant(
        (64, 64, 128, 128, 256, 256, 512, 512), (512,), 0, 0.05, 5_461_032, "classify/snn_conv"
    ),
    "snn_mlp_tiny": Variant((), (128,) * 4, 32, 0.0, 571_880, "tiny/snn_mlp"),
    "snn_conv_tiny": Variant((16, 24, 32, 48), (64,), 0, 0.0, 92_880, "tiny/snn_conv"),
}


@register(task="classify", paper="arXiv:1706.02515", variants=VARIANTS)
class SelfNormalising(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}.

    The MLP averages its input to 32 x 32 pixels; the convolutions take any H and W of at least 16.
    Inputs must have zero mean and unit variance, or the rule does not hold.
    """

    def __init__(self, variant: Variant, classes: int = 1000) -> None:
        super().__init__()
        self.side = variant.side
        if variant.convolutions:
            self.features = _convolutions(variant.convolutions)
        channels = variant.convolutions[-1] if variant.convolutions else 3 * variant.side**2
        layers: list[nn.Module] = []
        for width in variant.hidden:
            layers += [nn.Linear(channels, width), nn.SELU(), nn.AlphaDropout(variant.dropout)]
            channels = width
        self.classifier = nn.Sequential(*layers, nn.Linear(channels, classes))
        lecun_normal(self)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        if self.side:
            x = torch.flatten(nn.functional.adaptive_avg_pool2d(x, self.side), 1)
        else:
            x = last(self.features(x)).mean(dim=(2, 3))
        return {"logits": self.classifier(x)}


def lecun_normal(module: nn.Module) -> None:
    """Weights of variance 1 / fan in, biases 0 (section 2, "Initialization")."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, mode="fan_in", nonlinearity="linear")
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def _convolutions(widths: tuple[int, ...]) -> Features:
    layers: list[nn.Module] = []
    ends: dict[str, int] = {}
    channels = 3
    for i, width in enumerate(widths):
        layers += [nn.Conv2d(channels, width, 3, 1 + i % 2, 1), nn.SELU()]
        channels = width
        ends = {k: s for k, s in ends.items() if s != 1 << (i + 1) // 2}
        ends[str(len(layers) - 1)] = 1 << (i + 1) // 2
    return Features({str(i): layer for i, layer in enumerate(layers)}, ends)
