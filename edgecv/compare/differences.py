"""How far one side's raw tensors and results are from another's, over a stream of images."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.metrics.matching import Boxes, match_image
from edgecv.results import (
    Classes,
    Detections,
    Features,
    Instances,
    Keypoints,
    Results,
    SegmentationMap,
)

Array = npt.NDArray[Any]
EXACT_DB = 300.0  # more than float64 can tell apart
IOUS = np.array([0.5, 0.9])
PIXELS = (3.0, 1.0)  # keypoints that lie so near agree
NEAR = np.array([0.05, 0.01])  # of the picture's longer side: joints that lie so near agree


@dataclass
class TensorGap:
    """Differences of one tensor from its reference, summed over images in float64.

    Attributes:
        largest: Largest |difference|.
        scale: Largest |reference|.
        noise: Sum of squared differences.
        signal: Sum of squared reference values.
    """

    largest: float = 0.0
    scale: float = 0.0
    noise: float = 0.0
    signal: float = 0.0

    def add(self, value: Array, reference: Array) -> None:
        """Count one image's tensor.

        Raises:
            ShapeError: the shapes differ.
        """
        if value.shape != reference.shape:
            raise ShapeError("tensors differ in shape", got=value.shape, reference=reference.shape)
        wanted = reference.astype(np.float64)
        gap = value.astype(np.float64) - wanted
        if wanted.size == 0:
            return
        # a NaN must not hide: it compares unequal to everything, so it counts as infinite
        worst = float(np.max(np.abs(gap)))
        self.largest = max(self.largest, worst if math.isfinite(worst) else math.inf)
        self.scale = max(self.scale, float(np.max(np.abs(wanted))))
        self.noise += float(np.sum(gap * gap)) if math.isfinite(worst) else math.inf
        self.signal += float(np.sum(wanted * wanted))

    @property
    def relative(self) -> float:
        """Largest |difference| / largest |reference| (the difference itself if that is 0)."""
        return self.largest / self.scale if self.scale > 0 else self.largest

    @property
    def sqnr_db(self) -> float:
        """10 log10(signal / noise), within +-EXACT_DB: equal tensors are EXACT_DB."""
        if self.noise == 0:
            return EXACT_DB
        if self.signal == 0 or math.isinf(self.noise):
            return -EXACT_DB
        return max(-EXACT_DB, min(EXACT_DB, 10 * math.log10(self.signal / self.noise)))

    def to_dict(self) -> dict[str, float | None]:
        """`max_abs`, `relative` (None: not finite, which JSON cannot say) and `sqnr_db`."""
        values = {"max_abs": self.largest, "relative": self.relative, "sqnr_db": self.sqnr_db}
        return {name: value if math.isfinite(value) else None for name, value in values.items()}


@dataclass
class Agreement:
    """How far two sides say the same of the same images.

    Attributes:
        images: Images seen.
        same: Images whose best class is the same (classify).
        boxes: Boxes of both sides together (detect); those without area overlap nothing and do not
            count.
            Joints found, likewise (pose). Pixels of the pictures (segment).
        matched: Boxes of the other side with a partner of the same class, at each of IOUS; joints
            with a partner in the other side's nearest person, at each of NEAR; pixels of the same
            label.
        score: Largest difference of the best class's probability (classify).
    """

    images: int = 0
    same: int = 0
    boxes: int = 0
    matched: Array = field(default_factory=lambda: np.zeros(len(IOUS), np.int64))
    score: float = 0.0
    task: str = ""

    def add(self, value: Results, reference: Results) -> None:
        """Count one image; of instances their boxes."""
        self.images += 1
        if isinstance(value, Instances) and isinstance(reference, Instances):
            value, reference = value.detections, reference.detections
        if isinstance(value, Classes) and isinstance(reference, Classes):
            self.task = "classify"
            self.same += int(value.ids[0] == reference.ids[0])
            self.score = max(self.score, abs(float(value.scores[0]) - float(reference.scores[0])))
        elif isinstance(value, Detections) and isinstance(reference, Detections):
            self.task = "detect"
            found, truth = _with_area(value), _with_area(reference)
            match = match_image(found, truth, IOUS, limit=max(1, len(found.ids)))
            self.matched += match.hit.sum(axis=1)
            self.boxes += len(found.ids) + len(truth.ids)
        elif isinstance(value, Keypoints) and isinstance(reference, Keypoints):
            self.task = "pose"
            self.matched += joints_in_common(value, reference)
            self.boxes += int(value.found.sum()) + int(reference.found.sum())
        elif isinstance(value, SegmentationMap) and isinstance(reference, SegmentationMap):
            self.task = "segment"
            self.matched += int((value.labels == reference.labels).sum())
            self.boxes += value.labels.size
        elif isinstance(value, Features) and isinstance(reference, Features):
            self.task = "features"
            self.matched += points_in_common(value, reference)
            self.boxes += len(value) + len(reference)
        else:
            raise ShapeError(
                "results are of different kinds",
                got=type(value).__name__,
                reference=type(reference).__name__,
            )

    def to_dict(self) -> dict[str, Any]:
        """Shares in 0..1: `same_class` and `score`, or `boxes`, `iou50` and `iou90`.

        Of poses: `joints`, `near5` and `near1` (within 5 % and 1 % of the picture's longer side).
        Of features: `keypoints`, `near3` and `near1` (a keypoint of the other side within 3 and 1
        pixels, each taken once). Of label maps: `pixels` and `same_label`.
        """
        if self.task == "classify":
            share = self.same / self.images
            return {"images": self.images, "same_class": share, "max_score_gap": self.score}
        if self.task == "segment":
            share = int(self.matched[0]) / self.boxes
            return {"images": self.images, "pixels": self.boxes, "same_label": share}
        shares = [2 * int(n) / self.boxes if self.boxes else 1.0 for n in self.matched]
        if self.task == "features":
            named = zip(("near3", "near1"), shares, strict=True)
            return {"images": self.images, "keypoints": self.boxes, **dict(named)}
        if self.task == "pose":
            named = zip(("near5", "near1"), shares, strict=True)
            return {"images": self.images, "joints": self.boxes, **dict(named)}
        return {"images": self.images, "boxes": self.boxes, "iou50": shares[0], "iou90": shares[1]}


def points_in_common(value: Features, reference: Features) -> Array:
    """How many keypoints have a partner of their own within each of PIXELS, nearest first."""
    counts = []
    gaps = np.hypot(*np.moveaxis(value.points[:, None] - reference.points[None], 2, 0))
    for limit in PIXELS:
        rows, columns = np.nonzero(gaps <= limit)
        order = np.argsort(gaps[rows, columns], kind="stable")
        free = (np.ones(len(value), bool), np.ones(len(reference), bool))
        for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
            if free[0][row] and free[1][column]:
                free[0][row] = free[1][column] = False
        counts.append(int((~free[0]).sum()))
    return np.array(counts, np.int64)


def _with_area(found: Detections) -> Boxes:
    width, height = (found.boxes[:, 2:] - found.boxes[:, :2]).T
    some = (width > 0) & (height > 0)
    return Boxes(found.boxes[some], found.ids[some], found.scores[some])


def joints_in_common(value: Keypoints, reference: Keypoints) -> Array:
    """How many of `value`'s joints lie near the same joint of a reference person, at each of NEAR.

    People of `value`, best first, each take the free reference person with most joints near.
    """
    limits = NEAR * max(value.image_size)
    total, free = np.zeros(len(NEAR), np.int64), list(range(len(reference)))
    if value.joints.shape[1:] != reference.joints.shape[1:]:
        return total
    for person, found in zip(value.joints, value.found, strict=True):
        gaps = np.hypot(*np.moveaxis((reference.joints[free] - person)[:, :, :2], 2, 0))
        both = reference.found[free] & found
        hits = ((gaps <= limits[:, None, None]) & both).sum(2).T
        if free:
            best = max(range(len(free)), key=lambda k: hits[k].tolist())
            total += hits[best]
            del free[best]
    return total
