"""One judge a task: it collects what was right in each image and turns that into a score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edgecv.data import Sample
from edgecv.errors import FileError
from edgecv.metrics import AveragePrecision, ImageMatch, confusion_matrix, match_image, topk_hits
from edgecv.metrics.matching import Boxes
from edgecv.results import Classes, Detections

Array = npt.NDArray[Any]

TOP = 5  # the second classification number is top-5


@dataclass(frozen=True)
class Score:
    """Accuracy of one model.

    Attributes:
        metric: Name of the main number.
        values: Name -> value in 0..1 over all images; the main number first.
        resampled: (R, len(values)) the same under each row of weights.
        details: JSON values that carry no interval (per class, confusion).
    """

    metric: str
    values: dict[str, float]
    resampled: Array
    details: dict[str, Any] = field(default_factory=dict)


class Judge(Protocol):
    """Collects results image by image; `class_map` maps a data set's class ids to the model's."""

    def add(self, found: Any, sample: Sample) -> None:
        """Take the result for one sample."""
        ...

    def score(self, weights: Array) -> Score:
        """The score so far; weights are (R, N) for N samples added."""
        ...


class ClassifyJudge:
    """Top-1 and top-5 accuracy; per class the recall, nan (null) for a class never shown."""

    def __init__(self, names: tuple[str, ...], class_map: Array) -> None:
        """`names` of the model's classes, and model class of each data-set class."""
        self._names = names
        self._map = class_map
        self._ranked: list[Array] = []
        self._labels: list[int] = []

    def add(self, found: Classes, sample: Sample) -> None:
        """Take the result for one sample; it must have a label.

        Raises:
            FileError: the sample has no class.
        """
        if sample.label is None:
            raise FileError("data for task classify has a picture without a class", id=sample.id)
        ranked = np.full(TOP, -1, np.int64)
        ranked[: min(TOP, len(found.ids))] = found.ids[:TOP]
        self._ranked.append(ranked)
        self._labels.append(int(self._map[sample.label]))

    def score(self, weights: Array) -> Score:
        """The score of everything added."""
        ranked, labels = np.stack(self._ranked), np.array(self._labels, np.int64)
        hits = np.stack([topk_hits(ranked, labels, k) for k in (1, TOP)], axis=1)
        classes = max(len(self._names), int(ranked.max()) + 1, int(labels.max()) + 1)
        matrix = confusion_matrix(np.maximum(ranked[:, 0], 0), labels, classes)
        shown = matrix.sum(1)
        pairs = zip(np.diag(matrix).tolist(), shown.tolist(), strict=True)
        recall = [right / count if count else None for right, count in pairs]
        return Score(
            metric="top-1",
            values={"top-1": float(hits[:, 0].mean()), f"top-{TOP}": float(hits[:, 1].mean())},
            resampled=weights @ hits / len(labels),
            details={
                "per_class": _rows(self._names, recall=recall, n=shown.tolist()),
                "confusion": matrix.tolist() if classes <= 100 else None,
            },
        )


class DetectJudge:
    """COCO's mAP at IoU 0.5 and averaged over 0.5..0.95; per class the same (null: no object)."""

    def __init__(self, names: tuple[str, ...], class_map: Array) -> None:
        """`names` of the model's classes, and model class of each data-set class."""
        self._names = names
        self._map = class_map
        self._matches: list[ImageMatch] = []
        self._dropped = 0

    def add(self, found: Detections, sample: Sample) -> None:
        """Take the result for one sample."""
        truth = Boxes(sample.boxes, self._map[sample.ids], crowd=sample.crowd)
        self._matches.append(match_image(Boxes(found.boxes, found.ids, found.scores), truth))
        self._dropped += found.overflow

    def score(self, weights: Array) -> Score:
        """The score of everything added.

        Raises:
            FileError: no picture has an object.
        """
        top = max((int(m.ids.max()) for m in self._matches if m.ids.size), default=0)
        precision = AveragePrecision(self._matches, max(len(self._names), top + 1))
        each = precision.per_class()
        if np.isnan(each).all():
            raise FileError("held-out pictures have no objects", pictures=len(self._matches))
        value = precision.value()
        resampled = precision.resampled(weights)
        objects = np.concatenate([match.objects for match in self._matches])
        counts = np.bincount(objects, minlength=each.shape[1])
        ap50 = [None if np.isnan(v) else float(v) for v in each[0]]
        ap = [None if np.isnan(v) else float(v) for v in each.mean(0)]
        return Score(
            metric="mAP@0.5",
            values={"mAP@0.5": float(value[0]), "mAP@0.5:0.95": float(value.mean())},
            resampled=np.stack([resampled[:, 0], resampled.mean(1)], axis=1),
            details={
                "per_class": _rows(self._names, ap50=ap50, ap=ap, objects=counts.tolist()),
                "candidates_dropped": self._dropped,
            },
        )


def _rows(names: tuple[str, ...], **columns: list[Any]) -> list[dict[str, Any]]:
    rows = zip(*columns.values(), strict=True)
    return [
        {"name": names[i] if i < len(names) else str(i), **dict(zip(columns, row, strict=True))}
        for i, row in enumerate(rows)
    ]
