"""The exponential moving average of a network's weights and normalisation statistics."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Average:
    """Follows a network: average += (1 - d) (network - average) after each step.

    The decay d of an early step is (1 + step) / (10 + step) where that is smaller, so that the
    initial weights are forgotten (as in TensorFlow's ExponentialMovingAverage). Integers
    (`num_batches_tracked`) are copied.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        """Start at the network's present weights."""
        self.decay = decay
        self.state = {key: value.detach().clone() for key, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards the network after `step` (0-based)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        floats: tuple[list[Tensor], list[Tensor]] = ([], [])
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                floats[0].append(self.state[key])
                floats[1].append(value)
            else:
                self.state[key].copy_(value)
        torch._foreach_lerp_(floats[0], floats[1], 1 - decay)
