"""What a classifier learns: cross-entropy with label smoothing.

Source: Szegedy et al., arXiv:1512.00567, section 7; auxiliary heads: arXiv:1409.4842, section 5.
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

AUXILIARY = 0.3  # weight of an auxiliary head's loss


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
        """{"class": mean cross-entropy in nats}, and that of each auxiliary head times AUXILIARY.

        A batch of `edgecv.train.mixup` is judged against both classes, by their shares.
        """
        parts = {"class": self._entropy(outputs["logits"], batch)}
        for name, logits in outputs.items():
            if name.startswith("aux"):
                parts[name] = AUXILIARY * self._entropy(logits, batch)
        return parts

    def _entropy(self, logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        scores = logits.float()
        value = functional.cross_entropy(scores, batch["label"], label_smoothing=self.smoothing)
        if "share" not in batch:
            return value
        other = functional.cross_entropy(
            scores, batch["mixed_label"], label_smoothing=self.smoothing
        )
        return batch["share"] * value + (1 - batch["share"]) * other
