"""ResNeXt. Xie et al., "Aggregated Residual Transformations ...", arXiv:1611.05431.

A ResNet whose bottlenecks have grouped 3x3 convolutions (Figure 3c); 32x4d: 32 groups of 4
channels in the first stage. State-dict keys are torchvision's, so its checkpoints (BSD-3-Clause,
ImageNet) load strictly.
"""

from __future__ import annotations

from edgecv.zoo.classify.resnet import ResNet, Variant
from edgecv.zoo.registry import register


def _aggregated(
    depths: tuple[int, ...], params: int, groups: int, width: int, *, tiny: bool = False
) -> Variant:
    """A row of Table 1: `groups` x `width`d."""
    stem, recipe = (16, "tiny/resnext") if tiny else (64, "classify/resnext50_32x4d")
    return Variant(True, depths, stem, not tiny, params, recipe, groups=groups, group_width=width)


VARIANTS = {
    "resnext50_32x4d": _aggregated((3, 4, 6, 3), 25_028_904, 32, 4),
    "resnext101_32x8d": _aggregated((3, 4, 23, 3), 88_791_336, 32, 8),
    # 8 groups of 4 channels (16 x 16 // 64) in the first stage
    "resnext_tiny": _aggregated((1, 1, 1), 390_328, 8, 16, tiny=True),
}


@register(task="classify", paper="arXiv:1611.05431", variants=VARIANTS)
class ResNeXt(ResNet):
    """(N, 3, H, W) float -> {"logits": (N, classes)}. H and W at least 32 (tiny: 4)."""
