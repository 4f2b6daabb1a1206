"""The order in which training sees its data: a pure function of (seed, position).

Position p is place p % batch of step p // batch. Which sample it shows, and how it is augmented,
depends on nothing else, so a resumed run sees exactly what an uninterrupted one would have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from edgecv.data import Dataset, Sample
from edgecv.recipe import Recipe
from edgecv.runtime.preprocess import Geometry, Preprocessor
from edgecv.train.augment import choose

Array = npt.NDArray[Any]
Encode = Callable[[Sample, Geometry], Mapping[str, Array]]
Batch = dict[str, torch.Tensor]

_ORDER, _AUGMENT = 0, 1  # which stream of random numbers a generator starts


class Stream(TorchDataset[dict[str, Array]]):
    """Position -> {"image": (C, H, W) float32, and what the objective's `encode` makes of it}."""

    def __init__(self, recipe: Recipe, dataset: Dataset, encode: Encode, seed: int) -> None:
        """Prepare the stream of `recipe` over `dataset`."""
        self.dataset = dataset
        self.encode = encode
        self.seed = seed
        self.preprocessor = Preprocessor(recipe.input)
        self.augmentations = choose(recipe.train.augment if recipe.train else ())
        self._kept: dict[int, Sample] | None = {} if recipe.train and recipe.train.cache else None

    def __getitem__(self, position: int) -> dict[str, Array]:
        """What training sees at `position`, ready to be stacked."""
        epoch, place = divmod(position, len(self.dataset))
        sample = self._sample(int(order(len(self.dataset), self.seed, epoch)[place]))
        rng = np.random.default_rng((self.seed, _AUGMENT, position))
        for augmentation in self.augmentations:
            sample = augmentation(sample, rng)
        spec = self.preprocessor.spec
        image = np.empty((spec.channels, *spec.size), np.float32)
        geometry = self.preprocessor.into(sample.image, image)
        return {"image": image, **self.encode(sample, geometry)}

    def _sample(self, index: int) -> Sample:
        if self._kept is None:
            return self.dataset[index]
        if index not in self._kept:  # without the masks: they are the larger part
            self._kept[index] = replace(self.dataset[index], masks=None, semantic=None)
        return self._kept[index]


@lru_cache(maxsize=2)
def order(count: int, seed: int, epoch: int) -> Array:
    """(count,) int64: the permutation of sample indices of one epoch."""
    return np.random.default_rng((seed, _ORDER, epoch)).permutation(count)


def loader(stream: Stream, batch: int, steps: range, workers: int) -> Iterable[Batch]:
    """Batches of the given `steps`, in order, each a dict of stacked tensors.

    Args:
        stream: What to show.
        batch: Samples per step.
        steps: Which steps; a resumed run starts later.
        workers: Loader processes; 0 loads in this one.
    """
    return DataLoader(
        stream,
        batch_size=batch,
        sampler=range(steps.start * batch, steps.stop * batch),
        num_workers=workers,
        generator=torch.Generator(),  # its own: iterating must not draw from the global one
    )
