import pytest
import torch

from edgecv.errors import ShapeError
from edgecv.zoo.registry import create


def test_keys_follow_the_public_code():
    with torch.device("meta"):
        shapes = {k: tuple(v.shape) for k, v in create("centernet_resnet18").state_dict().items()}
    assert shapes["conv1.weight"] == (64, 3, 7, 7)
    assert shapes["layer2.0.downsample.0.weight"] == (128, 64, 1, 1)
    assert [shapes[f"deconv_layers.{i}.weight"] for i in (0, 3, 6)] == [
        (512, 256, 4, 4),
        (256, 256, 4, 4),
        (256, 256, 4, 4),
    ]
    heads = {k: v for k, v in shapes.items() if k.startswith(("hm.", "wh.", "reg."))}
    expected = {}
    for name, outputs in (("hm", 80), ("wh", 2), ("reg", 2)):
        expected |= {f"{name}.0.weight": (64, 256, 3, 3), f"{name}.0.bias": (64,)}
        expected |= {f"{name}.2.weight": (outputs, 64, 1, 1), f"{name}.2.bias": (outputs,)}
    assert heads == expected


@pytest.mark.parametrize("name", ["centernet_resnet18", "centernet_tiny"])
def test_heatmap_starts_at_a_prior_of_one_in_ten(name):
    torch.manual_seed(0)
    net = create(name, classes=4).train()
    probability = net(torch.rand(2, 3, 64, 64))["heatmap"].sigmoid()
    assert probability.mean().item() == pytest.approx(0.1, abs=0.05)


def test_sizes_and_offsets_start_near_zero():
    torch.manual_seed(0)
    outputs = create("centernet_resnet18").train()(torch.rand(2, 3, 64, 64))
    assert outputs["size"].abs().max() < 1
    assert outputs["offset"].abs().max() < 1


@pytest.mark.parametrize(("name", "side"), [("centernet_resnet18", 48), ("centernet_tiny", 56)])
def test_a_side_that_does_not_divide_is_refused(name, side):
    with pytest.raises(ShapeError, match="must be multiples of"):
        create(name)(torch.zeros(1, 3, 64, side))


def test_tiny_has_no_transposed_convolution():
    net = create("centernet_tiny")
    assert not any(isinstance(m, torch.nn.ConvTranspose2d) for m in net.modules())
