"""How much a filter matters: the criteria of structured pruning.

`l1` and `l2`: the norm of a filter's weights (Li et al., arXiv:1608.08710, section 3.1).
`activation`: the mean of its rectified output over training pictures (Molchanov et al.,
arXiv:1611.06440, section 2.2). `apoz`: how often its rectified output is not zero, one minus the
Average Percentage of Zeros (Hu et al., arXiv:1607.03250). The two data-driven ones look at the
output of the normalisation that follows a convolution, or of the convolution itself, before
residuals are added.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

CRITERIA = ("l1", "l2", "activation", "apoz")
_FILTERS = (nn.Conv2d, nn.Linear)


def weight_scores(network: nn.Module, power: int) -> dict[str, Tensor]:
    """Layer -> (filters,) float32: the mean of |weight|^power of each filter of it.

    The mean, not the sum, so that layers tied to each other (residuals) can be averaged.
    """
    return {
        name: layer.weight.detach().abs().pow(power).flatten(1).mean(1)
        for name, layer in network.named_modules()
        if isinstance(layer, _FILTERS)
    }


def scaled(score: Tensor) -> Tensor:
    """A layer's scores with a mean of 1, so that layers tied to each other can be averaged."""
    return score / score.mean().clamp_min(1e-12)


def activation_scores(
    network: nn.Module, batches: Iterable[Tensor], criterion: str
) -> dict[str, Tensor]:
    """Layer -> (filters,) float32 over all positions of all pictures.

    Args:
        network: In evaluation mode.
        batches: (N, C, H, W) float32 each, preprocessed training pictures.
        criterion: `activation` or `apoz`.
    """
    sums: dict[str, Tensor] = {}
    counts: dict[str, int] = {}

    def watch(name: str) -> object:
        def hook(_layer: nn.Module, _inputs: object, output: Tensor) -> None:
            rectified = output.detach().float().relu()
            value = rectified if criterion == "activation" else (rectified > 0).float()
            axes = [axis for axis in range(value.ndim) if axis != 1]
            sums[name] = sums.get(name, torch.zeros(())) + value.sum(axes)
            counts[name] = counts.get(name, 0) + value.numel() // value.shape[1]

        return hook

    handles = [
        layer.register_forward_hook(watch(name))  # type: ignore[arg-type]
        for name, layer in _observed(network).items()
    ]
    try:
        with torch.no_grad():
            for batch in batches:
                network(batch)
    finally:
        for handle in handles:
            handle.remove()
    return {name: total / counts[name] for name, total in sums.items()}


def _observed(network: nn.Module) -> dict[str, nn.Module]:
    """Filter layer -> the normalisation registered right after it, or the layer itself."""
    layers = list(network.named_modules())
    found: dict[str, nn.Module] = {}
    for at, (name, layer) in enumerate(layers):
        if not isinstance(layer, _FILTERS):
            continue
        after = layers[at + 1][1] if at + 1 < len(layers) else None
        width = layer.weight.shape[0]
        fits = isinstance(after, nn.BatchNorm2d) and after.num_features == width
        found[name] = after if fits and after is not None else layer
    return found
