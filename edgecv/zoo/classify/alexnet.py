"""AlexNet. Krizhevsky et al., NIPS 2012; the one-tower form: Krizhevsky, arXiv:1404.5997.

Differs from the papers: `alexnet` is the one-tower form as torchvision defines it (64 filters
first, no response normalisation), state-dict keys are its own, so its checkpoint (BSD-3-Clause,
ImageNet) loads strictly. `alexnet_lrn` is the network of 2012 with its two halves as grouped
convolutions and response normalisation after the ReLU of the first two layers; its first layer is
padded by 2 so that 224 pixels give the 55 cells of the paper, and it starts from the paper's
weights (section 5), made for pictures whose mean alone is taken away. The one-tower form starts
from PyTorch's. Dropout is 0.5, as in the papers; the slim forms have none.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgecv.zoo.blocks.features import Features, last
from edgecv.zoo.registry import register


class Variant(NamedTuple):
    """The widths of Figure 2."""

    widths: tuple[int, int, int, int, int]  # filters of the five convolutions
    groups: int  # 2: layers 2, 4 and 5 see one half of their input each (two towers)
    response_norm: bool
    paper_start: bool  # weights of N(0, 0.01) and ones as biases, as in 2012
    stem: tuple[int, int, int]  # kernel, stride and padding of the first convolution
    pooled: int  # side of the map the classifier sees
    hidden: int  # units of the two hidden layers
    dropout: float
    params: int  # with 1000 classes
    recipe: str


_STEM = (11, 4, 2)
VARIANTS = {
    "alexnet": Variant(
        (64, 192, 384, 256, 256), 1, False, False, _STEM, 6, 4096, 0.5, 61_100_840,
        "classify/alexnet",
    ),
    "alexnet_lrn": Variant(
        (96, 256, 384, 384, 256), 2, True, True, _STEM, 6, 4096, 0.5, 60_965_224,
        "classify/alexnet_lrn",
    ),
    "alexnet_tiny": Variant(
        (24, 48, 64, 48, 48), 1, False, False, (5, 1, 2), 3, 96, 0.0, 254_744, "tiny/alexnet"
    ),
    "alexnet_lrn_tiny": Variant(
        (24, 48, 64, 64, 48), 2, True, False, (5, 1, 2), 3, 96, 0.0, 224_232, "tiny/alexnet_lrn"
    ),
}  # fmt: skip


@register(task="classify", paper="arXiv:1404.5997", variants=VARIANTS)
class AlexNet(nn.Module):
    """(N, 3, H, W) float -> {"logits": (N, classes)}. H and W at least 63 (tiny: 15)."""

    def __init__(self, variant: Variant, classes: int = 1000) -> None:
        super().__init__()
        self.features = _features(variant)
        self.avgpool = nn.AdaptiveAvgPool2d(variant.pooled)
        cells = variant.widths[-1] * variant.pooled**2
        self.classifier = nn.Sequential(
            nn.Dropout(variant.dropout),
            nn.Linear(cells, variant.hidden),
            nn.ReLU(),
            nn.Dropout(variant.dropout),
            nn.Linear(variant.hidden, variant.hidden),
            nn.ReLU(),
            nn.Linear(variant.hidden, classes),
        )
        if variant.paper_start:
            _initialise(self)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """See the class."""
        x = self.avgpool(last(self.features(x)))
        return {"logits": self.classifier(torch.flatten(x, 1))}


def _features(variant: Variant) -> Features:
    """Strides 8 and 16 after the poolings are the stem's 4 times 2 and 4; the last pool ends 32."""
    kernel, stride, padding = variant.stem
    first, second, third, fourth, fifth = variant.widths
    groups = variant.groups
    layers: list[nn.Module] = [nn.Conv2d(3, first, kernel, stride, padding), nn.ReLU()]
    layers += _normalised(variant)
    layers += [nn.MaxPool2d(3, 2), nn.Conv2d(first, second, 5, 1, 2, groups=groups), nn.ReLU()]
    layers += _normalised(variant)
    layers += [nn.MaxPool2d(3, 2), nn.Conv2d(second, third, 3, 1, 1), nn.ReLU()]
    layers += [nn.Conv2d(third, fourth, 3, 1, 1, groups=groups), nn.ReLU()]
    layers += [nn.Conv2d(fourth, fifth, 3, 1, 1, groups=groups), nn.ReLU(), nn.MaxPool2d(3, 2)]
    pools = [i for i, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
    ends = {str(at - 1): stride << i for i, at in enumerate(pools)} | {str(pools[-1]): stride << 3}
    return Features({str(i): layer for i, layer in enumerate(layers)}, ends)


def _normalised(variant: Variant) -> list[nn.Module]:
    """Section 3.3: n = 5, alpha = 1e-4, beta = 0.75, k = 2 (PyTorch divides alpha by n)."""
    return [nn.LocalResponseNorm(5, 5e-4, 0.75, 2.0)] if variant.response_norm else []


def _initialise(net: AlexNet) -> None:
    """Section 5 of 2012: N(0, 0.01), biases 1 in layers 2, 4, 5 and the hidden ones, else 0."""
    layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for number, layer in enumerate(layers, 1):
        nn.init.normal_(layer.weight, 0, 0.01)
        nn.init.constant_(layer.bias, float(number in (2, 4, 5, 6, 7)))  # type: ignore[arg-type]
