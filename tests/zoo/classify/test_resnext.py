"""ResNeXt: cardinality and width."""

import torch
from torch import nn

from edgecv.zoo.classify.resnext import VARIANTS, ResNeXt


def test_32x4d_means_32_groups_of_4_channels():
    with torch.device("meta"):
        net = ResNeXt(VARIANTS["resnext50_32x4d"])
    grouped = [m for m in net.modules() if isinstance(m, nn.Conv2d) and m.groups > 1]
    assert {conv.groups for conv in grouped} == {32}
    assert [conv.in_channels // 32 for conv in grouped[:4]] == [4, 4, 4, 8]
    assert len(grouped) == 16
