"""What a classifier learns: cross-entropy with label smoothing.

Source: Szegedy et al., arXiv:1512.00567, section 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.nn import functional

from edgecv.data import Sample
from edgecv.errors import FileError
from edgecv.recipe import Recipe
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


class ClassifyObjective:
    """`logits` (N, C) against the class of the picture."""

    scores = "logits"

    def __init__(self, recipe: Recipe) -> None:
        """Read the smoothing of `recipe.train`."""
        self.smoothing = recipe.train.label_smoothing if recipe.train else 0.0

    def encode(self, sample: Sample, geometry: Geometry) -> Mapping[str, Array]:
        """{"label": () int64}.

        Raises:
            FileError: the sample has no class.
        """
        if sample.label is None:
            raise FileError("a picture without a class cannot train a classifier", sample=sample.id)
        return {"label": np.asarray(sample.label, np.int64)}

    def loss(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """{"class": mean cross-entropy in nats}."""
        logits = outputs["logits"].float()
        value = functional.cross_entropy(logits, batch["label"], label_smoothing=self.smoothing)
        return {"class": value}
