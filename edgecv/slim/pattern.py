"""2:4 sparsity: of every four weights in a row two are zero, which sparse tensor cores skip.

The four run along the input channels of a convolution or dense layer, as TensorRT asks. The two of
largest magnitude stay (Mishra et al., "Accelerating Sparse Deep Neural Networks",
arXiv:2104.08378, section 3). Layers whose input channels (per group) are not a multiple of 4 are
left dense, as are the first convolution and the layers that make the outputs' channels.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, nn

GROUP, KEPT = 4, 2


def mask_2_4(weight: Tensor) -> Tensor:
    """Which weights stay.

    Args:
        weight: (out, in, ...) float; `in` a multiple of 4.

    Returns:
        bool, the same shape: two of every four along `in`, the larger ones; of equal ones the
        first.
    """
    rows = weight.detach().abs().movedim(1, -1)
    fours = rows.reshape(*rows.shape[:-1], -1, GROUP)
    order = fours.argsort(dim=-1, descending=True, stable=True)
    kept = torch.zeros_like(fours, dtype=torch.bool).scatter_(-1, order[..., :KEPT], True)
    return kept.reshape(rows.shape).movedim(-1, 1)


@torch.no_grad()
def prune_2_4(network: nn.Module, dense: Collection[nn.Module] = ()) -> list[str]:
    """Set two of every four weights to 0, in place; returns the names of the layers changed.

    Args:
        network: The network.
        dense: Layers to leave alone, besides those that cannot be sparse.
    """
    changed: list[str] = []
    for name, layer in network.named_modules():
        if not isinstance(layer, nn.Conv2d | nn.Linear) or layer in dense:
            continue
        if layer.weight.shape[1] % GROUP == 0:
            layer.weight.mul_(mask_2_4(layer.weight))
            changed.append(name)
    return changed


def follows_2_4(weight: Tensor) -> bool:
    """Whether no four weights along the input channels have more than two that are not 0."""
    if weight.ndim < 2 or weight.shape[1] % GROUP:
        return False
    rows = weight.movedim(1, -1)
    counts = (rows.reshape(*rows.shape[:-1], -1, GROUP) != 0).sum(-1)
    return bool((counts <= KEPT).all())
