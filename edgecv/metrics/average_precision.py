"""COCO's average precision, with weights on the images.

Lin et al., arXiv:1405.0312, and pycocotools' COCOeval.accumulate: precision is made falling from
the right, read at 101 recalls, and averaged. One implementation serves with and without
pycocotools; the tests hold it equal to pycocotools.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.metrics.matching import ImageMatch

Array = npt.NDArray[Any]

_RECALLS = np.linspace(0.0, 1.0, 101)


class _Class(NamedTuple):
    """All detections of one class, best first (ties: the earlier image first)."""

    image: Array  # (D,) which image each is in
    hit: Array  # (T, D)
    wrong: Array  # (T, D)
    objects: Array  # (N,) float32 true objects in each image


class AveragePrecision:
    """Average precision over images that were matched one by one.

    Args:
        matches: One `match_image` result an image, all at the same thresholds.
        classes: Number of classes.

    Raises:
        ShapeError: no images, or a class id outside 0..classes-1.
    """

    def __init__(self, matches: Sequence[ImageMatch], classes: int) -> None:
        """See the class."""
        if not matches:
            raise ShapeError("AveragePrecision: there must be at least one image", images=0)
        ids = np.concatenate([match.ids for match in matches])
        objects = np.concatenate([match.objects for match in matches])
        both = np.concatenate([ids, objects])
        if both.size and not (0 <= both.min() and both.max() < classes):
            raise ShapeError(
                "AveragePrecision: class id outside 0..classes-1",
                highest=int(both.max()),
                classes=classes,
            )
        self.images = len(matches)
        self._classes = tuple(self._gather(matches, ids, label) for label in range(classes))

    def _gather(self, matches: Sequence[ImageMatch], ids: Array, label: int) -> _Class:
        image = np.repeat(np.arange(self.images), [len(match.ids) for match in matches])
        scores = np.concatenate([match.scores for match in matches])
        hit = np.concatenate([match.hit for match in matches], axis=1)
        ignored = np.concatenate([match.ignored for match in matches], axis=1)
        mine = np.flatnonzero(ids == label)
        mine = mine[np.argsort(-scores[mine], kind="stable")]
        counts = [np.count_nonzero(match.objects == label) for match in matches]
        return _Class(
            image=image[mine],
            hit=hit[:, mine],
            wrong=~hit[:, mine] & ~ignored[:, mine],
            objects=np.array(counts, np.float32),
        )

    def per_class(self) -> Array:
        """(T, C) float64 in 0..1; nan for a class with no object (it is neither 0 nor 1)."""
        values: Array = self._weighted(np.ones((1, self.images), np.float32))[0]
        return values

    def value(self) -> Array:
        """(T,) mean over the classes that have objects, per threshold; nan if none has."""
        return _mean_present(self.per_class())

    def resampled(self, weights: Array) -> Array:
        """The value for other weights on the images.

        Args:
            weights: (R, N) from `bootstrap.image_weights`. A class without objects in a resample
                is left out of that resample's mean.

        Returns:
            (R, T) float64.

        Raises:
            ShapeError: N is not the number of images.
        """
        if weights.ndim != 2 or weights.shape[1] != self.images:
            raise ShapeError(
                "resampled: weights must be (R, images)", got=weights.shape, images=self.images
            )
        return _mean_present(self._weighted(weights))

    def _weighted(self, weights: Array) -> Array:
        """(R, T, C) average precision under each row of weights."""
        thresholds = self._classes[0].hit.shape[0] if self._classes else 0
        out = np.full((len(weights), thresholds, len(self._classes)), np.nan)
        for label, one in enumerate(self._classes):
            objects = weights @ one.objects
            present = objects > 0
            if not present.any():
                continue
            each = weights[:, one.image]
            for level in range(thresholds):
                values = _areas(each, one.hit[level], one.wrong[level], objects)
                out[present, level, label] = values[present]
        return out


def _mean_present(values: Array) -> Array:
    """Mean over the last axis of what is not nan; nan where all is."""
    there = np.isfinite(values)
    total = np.where(there, values, 0).sum(-1)
    count = there.sum(-1)
    mean: Array = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean


def _areas(each: Array, hit: Array, wrong: Array, objects: Array) -> Array:
    """Average precision of R resamples at once.

    Precision only peaks where a detection is right, so only those places are looked at.

    Args:
        each: (R, D) weight of the image each detection is in, best detection first.
        hit: (D,) bool.
        wrong: (D,) bool.
        objects: (R,) weighted number of true objects.
    """
    places = np.flatnonzero(hit)
    if places.size == 0:
        return np.zeros(len(each))
    last = places[-1] + 1
    misses = np.cumsum(np.where(wrong[:last], each[:, :last], 0), axis=1, dtype=np.float64)
    right = np.cumsum(each[:, places], axis=1, dtype=np.float64)
    tried = right + misses[:, places]
    precision = right / np.maximum(tried, np.spacing(1))
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = right / np.maximum(objects, 1)[:, None]
    out = np.zeros(len(each))
    for row, (curve, reached) in enumerate(zip(precision, recall, strict=True)):
        at = np.searchsorted(reached, _RECALLS, side="left")
        out[row] = curve[at[at < len(curve)]].sum() / len(_RECALLS)
    return out
