"""Which channels of a pruned network are gone, and the full network without them: an oracle.

It knows nothing of how channels are tied: it finds a filter of the pruned network by its values.
"""

import copy

import numpy as np
import torch
from torch import nn

from edgecv.zoo.registry import create
from tests.zoo.named_weights import named_weights

SAMPLE = 8  # values of a filter that tell which one it is
LAYERS = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)


def example(name):
    side = 64 if name.startswith("centernet") else 32
    return torch.randn(1, 3, side, side)


def named(name):
    net = create(name, classes=10).eval()
    net.load_state_dict(named_weights({k: v.shape for k, v in net.state_dict().items()}))
    return net


def gap(found, expected):
    return max(float((found[k] - e).abs().max() / e.abs().max()) for k, e in expected.items())


def gone(full, slim):
    """Layer -> the channels it made that the pruned network does not have."""
    fewer = dict(slim.named_modules())
    return {
        name: sorted(set(range(len(layer.weight))) - set(_found(layer, fewer[name])))
        for name, layer in full.named_modules()
        if isinstance(layer, LAYERS)
    }


def zeroed(full, channels):
    """The full network, with weights (or scale), bias and shift of these channels at 0."""
    network = copy.deepcopy(full)
    with torch.no_grad():
        for name, numbers in channels.items():
            layer = network.get_submodule(name)
            layer.weight[numbers] = 0
            if layer.bias is not None:
                layer.bias[numbers] = 0
    return network


def _found(layer, fewer):
    """For each filter of the narrower layer, its number in the full one."""
    rows, kept = _rows(layer), _rows(fewer)
    flat = rows.ravel()
    order = np.argsort(flat, kind="stable")
    ranked = flat[order]
    numbers = []
    for row in kept:
        places = []
        for value in row[:SAMPLE]:
            low, high = (
                np.searchsorted(ranked, value, "left"),
                np.searchsorted(ranked, value, "right"),
            )
            places.append(set(order[low:high] // rows.shape[1]))
        (number,) = set.intersection(*places)
        numbers.append(int(number))
    assert len(set(numbers)) == len(numbers)
    return numbers


def _rows(layer):
    """(filters, values)."""
    weight = layer.weight.detach()
    if weight.ndim == 1:
        weight = torch.stack(
            [weight, layer.bias.detach(), layer.running_mean, layer.running_var], 1
        )
    return weight.flatten(1).numpy()
