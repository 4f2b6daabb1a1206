"""Networks whose layers are narrower than their variant says: what structured pruning leaves.

A network is described by its variant and the layers that differ, so a pruned one is trained,
exported and built as any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from edgecv.errors import RecipeError, UnknownName
from edgecv.recipe import Arch
from edgecv.zoo.registry import create

Widths = dict[str, list[int]]

_NORMS = (nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d)


def network_of(arch: Arch) -> nn.Module:
    """The network a recipe's `arch` describes, with fresh weights.

    Raises:
        UnknownName, UsageError: as `zoo.registry.create`.
        RecipeError: `arch.widths` does not fit the variant.
    """
    network = create(arch.name, **arch.args)
    if arch.widths:
        narrow(network, arch.widths)
    return network


def widths_of(network: nn.Module) -> Widths:
    """Layer -> [channels in, channels out, groups], or [channels] of a normalisation."""
    found: Widths = {}
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            found[name] = [layer.in_channels, layer.out_channels, layer.groups]
        elif isinstance(layer, nn.Linear):
            found[name] = [layer.in_features, layer.out_features, 1]
        elif isinstance(layer, _NORMS):
            norm: Any = layer
            found[name] = [getattr(norm, "num_channels", 0) or norm.num_features]
    return found


def changed(network: nn.Module, variant: nn.Module) -> Widths:
    """The layers of `network` that are not as wide as those of `variant`."""
    full = widths_of(variant)
    return {name: width for name, width in widths_of(network).items() if width != full[name]}


def narrow(network: nn.Module, widths: Mapping[str, Sequence[int]]) -> None:
    """Replace the named layers by fresh ones of other widths, in place.

    Raises:
        RecipeError: no such layer, the wrong number of values, or widths that are no widths.
    """
    layers = dict(network.named_modules())
    for name, width in widths.items():
        if name not in layers:
            raise UnknownName("layer in arch.widths", name, layers)
        if min(width, default=0) < 1:
            raise RecipeError("arch.widths: channels and groups are positive", layer=name)
        parent, _, own = name.rpartition(".")
        try:
            fresh = _fresh(layers[name], list(width))
        except ValueError as err:
            raise RecipeError("arch.widths do not fit the layer", layer=name, problem=err) from err
        setattr(layers[parent] if parent else network, own, fresh)


def _fresh(layer: nn.Module, width: list[int]) -> nn.Module:
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and len(width) == 3:
        inputs, outputs, groups = width
        options: dict[str, Any] = {"bias": layer.bias is not None, "groups": groups}
        geometry = (layer.kernel_size, layer.stride, layer.padding)
        return type(layer)(inputs, outputs, *geometry, dilation=layer.dilation, **options)  # type: ignore[arg-type]
    if isinstance(layer, nn.Linear) and len(width) == 3:
        return nn.Linear(width[0], width[1], layer.bias is not None)
    if isinstance(layer, nn.BatchNorm2d) and len(width) == 1:
        return nn.BatchNorm2d(width[0], layer.eps, layer.momentum)
    if isinstance(layer, nn.GroupNorm) and len(width) == 1:
        return nn.GroupNorm(layer.num_groups, width[0], layer.eps)
    if isinstance(layer, nn.InstanceNorm2d) and len(width) == 1:
        return nn.InstanceNorm2d(width[0], layer.eps, affine=layer.affine)
    raise ValueError(f"{type(layer).__name__} has no width of {len(width)} values")


def sparsity(network: nn.Module) -> float:
    """Share of exact zeros among the weights of convolutions and dense layers."""
    weights = [p for p in network.parameters() if p.ndim > 1]
    zeros = sum(int(torch.count_nonzero(p == 0)) for p in weights)
    return zeros / max(1, sum(p.numel() for p in weights))
