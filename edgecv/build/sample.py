"""The picture an engine is tested with: a real one where the recipe has data."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgecv.errors import EdgecvError
from edgecv.progress import note
from edgecv.recipe import Recipe
from edgecv.runtime.preprocess import Preprocessor

_SEED = 20261120


def sample_input(recipe: Recipe, batch: int) -> npt.NDArray[np.float32]:
    """(batch, C, H, W) float32: held-out pictures of the recipe, else seeded ones.

    Args:
        recipe: Says where pictures are, and what the network wants to see.
        batch: How many.
    """
    pictures = _held_out(recipe, batch) or _seeded(batch)
    array, _ = Preprocessor(recipe.input).batch(pictures)
    return array


def _held_out(recipe: Recipe, batch: int) -> list[npt.NDArray[np.uint8]]:
    if recipe.data is None:
        return []
    from edgecv.data import open_dataset

    try:
        dataset = open_dataset(recipe.data, "val")
        return [dataset[index % len(dataset)].image for index in range(batch)]
    except EdgecvError as err:
        note(f"golden sample: a seeded picture, since the recipe's data cannot be read: {err.what}")
        return []


def _seeded(batch: int) -> list[npt.NDArray[np.uint8]]:
    """Pictures of soft blobs and edges: closer to photographs than noise is."""
    rng = np.random.default_rng(_SEED)
    coarse = rng.integers(0, 256, (batch, 12, 16, 3), dtype=np.uint8)
    blocks = coarse.repeat(30, axis=1).repeat(30, axis=2).astype(np.float32)
    slope = np.linspace(0.4, 1.0, blocks.shape[2], dtype=np.float32)[:, None]
    noise = rng.normal(0, 8, blocks.shape).astype(np.float32)
    return list(np.clip(blocks * slope + noise, 0, 255).astype(np.uint8))
