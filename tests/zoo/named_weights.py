"""Weights that depend on their names only: the same for every definition with the same keys."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def named_weights(shapes: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Key -> tensor of that shape, drawn from a generator that its key seeds.

    Convolutions and dense layers keep the variance (2 / fan in), normalisations get statistics and
    scales away from 0 and 1, so that a swapped or forgotten layer shows.
    """
    return {key: _tensor(key, tuple(shape)) for key, shape in shapes.items()}


def picture(height: int, width: int) -> torch.Tensor:
    """(1, 3, height, width) float32 of zero mean and unit variance, always the same."""
    return torch.from_numpy(
        np.random.default_rng(7).standard_normal((1, 3, height, width), dtype=np.float32)
    )


def _tensor(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    if key.endswith("num_batches_tracked"):
        return torch.tensor(0)
    if len(shape) > 1:
        scale = np.float32((2 / np.prod(shape[1:])) ** 0.5)
        return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32) * scale)
    if key.endswith(("weight", "running_var")):
        return torch.from_numpy(rng.uniform(0.5, 1.5, shape).astype(np.float32))
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32) * np.float32(0.1))
