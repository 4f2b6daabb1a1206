"""ShuffleNet v1: the shuffle, and units that concatenate."""

import pytest
import torch

from edgecv.zoo.classify.shufflenet_v1 import VARIANTS, ShuffleNetV1, Unit, shuffle


def test_shuffle_is_figure_1c():
    x = torch.arange(6.0).reshape(1, 6, 1, 1)
    assert shuffle(x, 2).flatten().tolist() == [0, 3, 1, 4, 2, 5]
    assert shuffle(x, 1) is x


def test_unit_of_stride_2_keeps_the_average_of_its_input():
    unit = Unit(16, 64, 2, (1, 2)).eval()
    x = torch.rand(1, 16, 8, 8)
    y = unit(x)
    assert y.shape == (1, 64, 4, 4)
    torch.testing.assert_close(y[:, :16], torch.nn.functional.avg_pool2d(x, 3, 2, 1))


@pytest.mark.parametrize("name", [n for n in VARIANTS if "tiny" not in n])
def test_first_pointwise_layer_of_stage_2_has_no_groups(name):
    with torch.device("meta"):
        net = ShuffleNetV1(VARIANTS[name])
    assert net.stage2[0].conv1.groups == 1
    assert net.stage2[1].conv1.groups == VARIANTS[name].groups
