"""What a network puts out, and which of its layers make that."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def output_layers(network: nn.Module, example: Tensor) -> list[nn.Module]:
    """The convolutions and dense layers whose channels are channels of an output.

    Found by walking back from the outputs through everything that is neither.
    """
    made: dict[object, nn.Module] = {}

    def watch(layer: nn.Module, _inputs: object, output: Tensor) -> None:
        made[output.grad_fn] = layer

    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    handles = [
        m.register_forward_hook(watch)  # type: ignore[arg-type]
        for m in network.modules()
        if isinstance(m, kinds)
    ]
    try:
        with torch.enable_grad():
            outputs = outputs_of(network, example)
    finally:
        for handle in handles:
            handle.remove()
    todo: list[Any] = [value.grad_fn for value in outputs.values()]
    found: list[nn.Module] = []
    seen: set[object] = set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node in made:
            found.append(made[node])
        else:
            todo += [before for before, _ in node.next_functions]
    return found


def outputs_of(network: nn.Module, example: Tensor) -> dict[str, Tensor]:
    """Role -> output, also of the auxiliary heads that only training has.

    Args:
        network: In evaluation mode; its layers stay in it.
        example: (N, C, H, W) input.
    """
    network.training = True
    try:
        outputs: dict[str, Tensor] = network(example)
    finally:
        network.training = False
    return outputs


def shapes_of(network: nn.Module, example: Tensor) -> dict[str, tuple[int, ...]]:
    """Role -> shape of that output."""
    with torch.no_grad():
        return {name: tuple(value.shape) for name, value in outputs_of(network, example).items()}
