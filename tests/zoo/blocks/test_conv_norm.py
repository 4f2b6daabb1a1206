"""Convolution, normalisation, ReLU, by hand and with the public weights' epsilon."""

import pytest
import torch

from edgecv.zoo.blocks.conv_norm import ConvNorm, same


def test_conv_norm_rectifies_and_has_no_bias():
    layer = same(3, 8, (1, 7)).eval()
    y = layer(torch.randn(2, 3, 9, 9))
    assert y.shape == (2, 8, 9, 9)
    assert float(y.detach().min()) >= 0
    assert ConvNorm(3, 8, 3).conv.bias is None


def test_a_pixel_by_hand():
    layer = ConvNorm(1, 2, 1).eval()
    layer.conv.weight.data = torch.tensor([2.0, -2.0]).reshape(2, 1, 1, 1)
    layer.bn.running_mean[:] = 1.0
    layer.bn.running_var[:] = 4.0 - 1e-3  # the epsilon of the public Inception weights
    layer.bn.weight.data[:] = 6.0
    layer.bn.bias.data[:] = 0.5
    y = layer(torch.full((1, 1, 1, 1), 3.0)).detach().flatten()
    assert y.tolist() == pytest.approx([6 * (6 - 1) / 2 + 0.5, 0.0])


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "size"),
    [(3, 1, 0, (5, 7)), (3, 2, 1, (4, 5)), ((1, 3), 1, (0, 1), (7, 9))],
    ids=["valid", "stride", "tuple"],
)
def test_geometry_is_the_convolutions(kernel, stride, padding, size):
    layer = ConvNorm(3, 4, kernel, stride, padding)
    assert layer(torch.zeros(2, 3, 7, 9)).shape == (2, 4, *size)
    keys = ["conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"]
    assert list(layer.state_dict()) == [*keys, "bn.num_batches_tracked"]


@pytest.mark.parametrize("kernel", [1, 3, 5, (7, 1), (1, 7)], ids=str)
def test_same_keeps_the_size(kernel):
    assert same(3, 4, kernel)(torch.zeros(2, 3, 7, 9)).shape == (2, 4, 7, 9)
