"""What the built-in sets share: the generator of each sample, and what a set's digest is of.

Sample `index` of a split is drawn from its own generator, seeded by (seed, stream, index), so any
sample can be made alone, in any order and process, with the same bytes (same library versions).
Every split of every set has a stream of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, Literal, NamedTuple, TypeVar

import numpy as np

from edgecv.data import handwriting, photographs
from edgecv.data.options import Options
from edgecv.files import sha256_json

Split = Literal["train", "val"]
Made = TypeVar("Made")
Given = TypeVar("Given", bound=Options)

_DIGESTS = {
    "digits": handwriting.digits_digest,
    "photographs": photographs.photographs_digest,
}


class Kind(NamedTuple):
    """What a drawn set is made by.

    Attributes:
        format: Its name, as in `data.format` of a recipe.
        edition: Raised when the same index would give another sample.
        train: Stream of the training split.
        val: Stream of the held-out split.
        materials: What it draws from: "digits" (the handwriting), "photographs".
    """

    format: str
    edition: int
    train: int
    val: int
    materials: tuple[str, ...]


class Drawn(ABC, Generic[Made, Given]):
    """One split of a seeded set whose samples are drawn when asked for.

    A set states its `kind` and draws; the rest is here.

    Attributes:
        split: "train" or "val".
        options: What a sample looks like.
    """

    kind: ClassVar[Kind]

    def __init__(self, split: Split, count: int, seed: int, options: Given) -> None:
        """Find what the set draws from.

        Args:
            split: "train" or "val".
            count: Number of samples.
            seed: Seed of the whole set.
            options: What a sample looks like.

        Raises:
            MissingPackage: the handwriting or the photographs are not installed.
        """
        self.split: Split = split
        self.options = options
        self._count, self._seed = count, seed
        self._materials = {name: _DIGESTS[name]() for name in self.kind.materials}

    def __len__(self) -> int:
        """Number of samples."""
        return self._count

    def __getitem__(self, index: int) -> Made:
        """Draw sample `index`; the same index, the same bytes."""
        return self._draw(self._generator(index), f"{self.split}-{index:06d}")

    def digest(self) -> str:
        """Hex sha256 of the specification and of the files it draws from."""
        return sha256_json(
            {
                "format": self.kind.format,
                "edition": self.kind.edition,
                "split": self.split,
                "count": self._count,
                "seed": self._seed,
                "options": self.options.model_dump(),
                **self._materials,
            }
        )

    @abstractmethod
    def _draw(self, rng: np.random.Generator, name: str) -> Made:
        """The sample that `rng` draws, with `name` as its id."""

    def _generator(self, index: int) -> np.random.Generator:
        if not 0 <= index < self._count:
            raise IndexError(index)
        stream = self.kind.train if self.split == "train" else self.kind.val
        return np.random.default_rng((self._seed, stream, index))
