"""Parallel branches of one input, concatenated: the Inception module.

Source: Szegedy et al., arXiv:1409.4842, section 4.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Branches(nn.Module):
    """(N, C, H, W) -> the branches' outputs side by side along the channels, in their order."""

    def __init__(self, **branches: nn.Module) -> None:
        """Take the branches by name; names are state-dict keys."""
        super().__init__()
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return torch.cat([branch(x) for branch in self.children()], dim=1)
