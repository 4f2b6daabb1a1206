"""Weights that stay zero: retraining a network of which single weights were cut off.

Source: Han et al., "Learning both Weights and Connections", arXiv:1506.02626, section 3.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def zeros_of(network: nn.Module) -> dict[str, Tensor]:
    """Weight -> bool mask of its exact zeros, of weights (two dimensions or more) that have any."""
    masks = {name: p.detach() == 0 for name, p in network.named_parameters() if p.ndim > 1}
    return {name: mask for name, mask in masks.items() if bool(mask.any())}


@torch.no_grad()
def keep(network: nn.Module, zeros: Mapping[str, Tensor]) -> None:
    """Set the masked weights back to 0, after a step of the optimizer."""
    for name, mask in zeros.items():
        network.get_parameter(name).masked_fill_(mask.to(network.get_parameter(name).device), 0)
