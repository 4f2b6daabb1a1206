"""2:4: of every four weights along the inputs the two larger ones stay."""

import torch

from edgecv.slim.pattern import follows_2_4, mask_2_4, prune_2_4
from edgecv.zoo.registry import create


def test_mask_by_hand_with_ties():
    weight = torch.tensor([[3.0, -4.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0]])
    assert mask_2_4(weight).int().tolist() == [[1, 1, 0, 0, 1, 1, 0, 0]]


def test_groups_run_along_the_inputs_of_a_convolution():
    weight = torch.randn(6, 8, 3, 3)
    pruned = weight * mask_2_4(weight)
    assert follows_2_4(pruned)
    assert not follows_2_4(weight)
    assert int((pruned != 0).sum()) == weight.numel() // 2
    # per position of the kernel the larger two of each four are left
    four = weight[0, :4, 1, 1].abs()
    assert set(pruned[0, :4, 1, 1].nonzero().flatten().tolist()) == set(
        four.topk(2).indices.tolist()
    )


def test_what_cannot_be_sparse_is_left():
    net = create("resnet_tiny", classes=10)
    changed = prune_2_4(net, dense=[net.fc])
    assert "conv1" not in changed  # 3 input channels
    assert "fc" not in changed
    assert {"layer1.0.conv1", "layer3.0.downsample.0"} <= set(changed)
    assert all(follows_2_4(net.get_submodule(name).weight) for name in changed)
