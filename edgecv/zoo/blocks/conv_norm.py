"""Convolution, batch normalisation, ReLU: the unit of the Inception family.

Source: Ioffe & Szegedy, arXiv:1502.03167, section 3.2 (no bias before a normalisation).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPSILON = 1e-3  # of the public Inception weights, not PyTorch's 1e-5

Size = int | tuple[int, int]


class ConvNorm(nn.Module):
    """(N, C, H, W) -> (N, width, H', W'), never negative. State-dict keys `conv.*` and `bn.*`."""

    def __init__(
        self, channels: int, width: int, kernel: Size, stride: int = 1, padding: Size = 0
    ) -> None:
        """Take channels in and out, and the convolution's geometry."""
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return torch.relu(self.bn(self.conv(x)))


def same(channels: int, width: int, kernel: Size) -> ConvNorm:
    """Stride 1, and as much padding as keeps the size (odd kernels)."""
    padding = kernel // 2 if isinstance(kernel, int) else (kernel[0] // 2, kernel[1] // 2)
    return ConvNorm(channels, width, kernel, 1, padding)
