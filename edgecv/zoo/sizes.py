"""Which input sizes a network takes, found without computing anything (torch's meta device)."""

from __future__ import annotations

import torch
from torch import nn
from torch.func import functional_call

from edgecv.errors import EdgecvError, ShapeError

_LARGEST = 1024  # pixels a side; every network of the zoo takes fewer


def check_input(network: nn.Module, shape: tuple[int, int, int, int]) -> None:
    """Hold a batch of pictures to `network` in its present mode; nothing is computed or changed.

    Args:
        network: A network of the zoo. In training mode its auxiliary heads, and normalisations
            that need more than one value a channel, have a say as well.
        shape: (N, C, H, W).

    Raises:
        ShapeError: the network cannot take it; the smallest side it takes is named.
    """
    try:
        _walk(network, shape)
    except EdgecvError:
        raise
    except Exception as err:  # torch raises RuntimeError, ValueError and others
        raise _explained(network, shape, err) from err


def smallest_side(network: nn.Module, batch: int = 1, channels: int = 3) -> int | None:
    """The least square picture `network` takes in its present mode; none: no such up to 1024."""
    if not _takes(network, (batch, channels, _LARGEST, _LARGEST)):
        return None
    low, high = 0, _LARGEST  # low is refused, high is taken
    while high - low > 1:
        middle = (low + high) // 2
        if _takes(network, (batch, channels, middle, middle)):
            high = middle
        else:
            low = middle
    return high


def _explained(network: nn.Module, shape: tuple[int, int, int, int], err: Exception) -> ShapeError:
    batch, channels, height, width = shape
    facts: dict[str, object] = {
        "batch, channels, height, width": ", ".join(map(str, shape)),
        "reason": str(err).splitlines()[0][:200],
    }
    least = smallest_side(network, batch, channels)
    if least is None:
        return ShapeError(
            "the network cannot take such pictures",
            **facts,  # type: ignore[arg-type]
            fix="the zoo's networks see three channels: input.color rgb or bgr",
        )
    mode = "train on" if network.training else "take"
    more = " (or a larger train.batch)" if network.training and batch == 1 else ""
    return ShapeError(
        f"the network cannot {mode} pictures of this size",
        **facts,  # type: ignore[arg-type]
        smallest_side=least,
        fix=f"--set input.size=[{max(least, height)},{max(least, width)}]{more}",
    )


def _takes(network: nn.Module, shape: tuple[int, int, int, int]) -> bool:
    try:
        _walk(network, shape)
    except Exception:  # whatever the network or torch raises, it is no
        return False
    return True


def _walk(network: nn.Module, shape: tuple[int, int, int, int]) -> None:
    """One forward pass of shapes."""
    state = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    shapes = {name: value.detach().to("meta") for name, value in state.items()}
    with torch.no_grad():
        functional_call(network, shapes, (torch.empty(shape, device="meta"),))
