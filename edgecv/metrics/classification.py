"""Top-k accuracy and the confusion matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError

Array = npt.NDArray[Any]


def topk_hits(ranked: Array, labels: Array, k: int = 1) -> Array:
    """Whether the true class is among the `k` best of each image.

    Ties between scores were decided by whoever ranked the classes (edgecv's heads: the lower class
    id first), so one image is either right or wrong, never half. Top-k accuracy is the mean.

    Args:
        ranked: (N, K) integer class ids, best first; -1 where fewer were kept.
        labels: (N,) integer class ids >= 0.
        k: At least 1. With k > K an image whose class was not kept counts as wrong.

    Returns:
        (N,) bool.

    Raises:
        ShapeError: shapes disagree, or k < 1.

    >>> topk_hits(np.array([[2, 0], [1, 2]]), np.array([0, 1]), k=1).tolist()
    [False, True]
    """
    if ranked.ndim != 2 or labels.shape != ranked.shape[:1] or k < 1:
        raise ShapeError(
            "topk_hits: ranked must be (N, K), labels (N,), k >= 1",
            ranked=ranked.shape,
            labels=labels.shape,
            k=k,
        )
    hits: Array = np.logical_or.reduce(ranked[:, :k] == labels[:, None], axis=1)
    return hits


def confusion_matrix(predicted: Array, labels: Array, classes: int) -> Array:
    """How often class i was called class j.

    Args:
        predicted: (N,) integer class ids in 0..classes-1.
        labels: (N,) integer class ids in 0..classes-1.
        classes: Number of classes.

    Returns:
        (classes, classes) int64; rows are true classes, columns predicted ones. A class absent
        from `labels` has a row of zeros: its recall is undefined, not 0.

    Raises:
        ShapeError: shapes disagree, or an id is outside 0..classes-1.

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    if predicted.shape != labels.shape or labels.ndim != 1:
        raise ShapeError(
            "confusion_matrix: both must be (N,)", predicted=predicted.shape, labels=labels.shape
        )
    ids = np.concatenate([predicted, labels])
    if ids.size and not (0 <= ids.min() and ids.max() < classes):
        raise ShapeError(
            "confusion_matrix: class id outside 0..classes-1",
            lowest=int(ids.min()),
            highest=int(ids.max()),
            classes=classes,
        )
    pairs = classes * labels.astype(np.int64) + predicted.astype(np.int64)
    counts: Array = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    return counts
