"""Which objective trains which head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy.typing as npt
from torch import Tensor

from edgecv.data import Sample
from edgecv.errors import RecipeError
from edgecv.recipe import Recipe
from edgecv.runtime.preprocess import Geometry
from edgecv.train.centernet import CenterNetObjective
from edgecv.train.classify import ClassifyObjective


class Objective(Protocol):
    """Turns labels into targets, and outputs and targets into a loss."""

    scores: str  # the output whose channels are the classes

    def encode(self, sample: Sample, geometry: Geometry) -> Mapping[str, npt.NDArray[Any]]:
        """Targets of one sample: arrays whose shapes do not depend on the sample."""
        ...

    def loss(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Named parts of the loss; their sum is minimised."""
        ...


OBJECTIVES: dict[str, Callable[[Recipe], Objective]] = {
    "classify": ClassifyObjective,
    "centernet": CenterNetObjective,
}


def objective_of(recipe: Recipe) -> Objective:
    """The objective of the recipe's head.

    Raises:
        RecipeError: no objective trains this kind of head.
    """
    kind = recipe.head.kind
    if kind not in OBJECTIVES:
        raise RecipeError(
            f"head: kind {kind} cannot be trained", trainable=", ".join(sorted(OBJECTIVES))
        )
    return OBJECTIVES[kind](recipe)
