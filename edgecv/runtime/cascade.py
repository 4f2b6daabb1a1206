"""People by one model, their joints by another: detector, crops, pose network.

A crop is a person's box, widened by a margin and to the shape of the pose network's input, in whole
pixels of the picture; what lies outside of the picture is the pose network's padding. So a joint in
the picture is a joint in the crop plus the crop's corner, with no other arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import UnsupportedModel
from edgecv.results import Detections, Instances, Keypoints
from edgecv.runtime.model import Model, picture
from edgecv.runtime.preprocess import Nv12

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class CropRule:
    """Which people get a crop, and how large.

    Attributes:
        person: Class id of a person in the detector.
        score: People below this probability are passed over.
        most: At most this many, the best; the others are the result's overflow.
        margin: Crop over box, after it was given the network's shape (Xiao et al.,
            arXiv:1804.06208, use 1.25).
    """

    person: int = 0
    score: float = 0.3
    most: int = 16
    margin: float = 1.25


class TopDown:
    """Two loaded bundles as one callable: picture in, `Keypoints` out.

    It owns neither model: close them yourself.
    """

    def __init__(self, detector: Model, pose: Model, rule: CropRule | None = None) -> None:
        """Join them.

        Raises:
            UnsupportedModel: the first finds no boxes, or the second not one person a picture.
        """
        self.detector, self.pose, self.rule = detector, pose, rule or CropRule()
        if detector.bundle.manifest.task not in ("detect", "instance"):
            raise UnsupportedModel(
                "people must come from a detector", task=detector.bundle.manifest.task
            )
        if pose.bundle.manifest.task != "pose" or pose.head.kind == "paf":
            raise UnsupportedModel(
                "joints of crops must come from a pose network of single people",
                task=pose.bundle.manifest.task,
                head=pose.head.kind,
            )

    def __call__(self, image: Any, *, color: str = "bgr") -> Keypoints:
        """Joints of the people in one picture, best person first.

        A person's score is the detector's times the mean of the joints'.

        Args:
            image: As for a Model.
            color: As for a Model.

        Raises:
            ShapeError, FileError, UnknownName: as a Model.
            UnsupportedModel: an NV12 frame, which cannot be cut here.
        """
        frame = picture(image, color)
        if isinstance(frame, Nv12):
            raise UnsupportedModel("people are cut out of (H, W, 3) pictures, not of NV12 frames")
        found: Any = self.detector(frame)
        boxes, scores, dropped = self._people(found)
        cut = [
            crop(frame, corners, self.pose.preprocess.spec.pad) for corners in self._corners(boxes)
        ]
        poses: Sequence[Any] = self.pose.results([part for part, _ in cut]) if cut else ()
        offsets = [corner for _, corner in cut]
        joints = [moved(pose, offset) for pose, offset in zip(poses, offsets, strict=True)]
        own = np.array([_score(pose) for pose in poses], np.float32).reshape(-1) * scores
        order = np.argsort(-own, kind="stable")
        shape = (0, self._joint_count(poses), 3)
        stacked = np.stack(joints).astype(np.float32) if joints else np.zeros(shape, np.float32)
        names, edges = (poses[0].names, poses[0].edges) if poses else ((), ())
        size = (int(frame.shape[0]), int(frame.shape[1]))
        return Keypoints(
            stacked[order], own[order], names, edges, size, boxes[order], found.overflow + dropped
        )

    def _people(self, found: Detections | Instances) -> tuple[Array, Array, int]:
        """Boxes and scores of those who get a crop, and how many a full capacity dropped."""
        rule, size = self.rule, found.boxes[:, 2:] - found.boxes[:, :2]
        index = np.flatnonzero(
            (found.ids == rule.person) & (found.scores >= rule.score) & (size > 0).all(axis=1)
        )
        kept = index[: rule.most]
        return found.boxes[kept], found.scores[kept], len(index) - len(kept)

    def _corners(self, boxes: Array) -> Array:
        """(N, 4) int64 xyxy of the crops; they may leave the picture."""
        height, width = self.pose.preprocess.spec.size
        centre = (boxes[:, :2] + boxes[:, 2:]).astype(np.float64) / 2
        size = (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
        tall = np.maximum(size[:, 1], size[:, 0] * height / width) * self.rule.margin
        half = np.stack([tall * width / height, tall], axis=1) / 2
        low = np.floor(centre - half).astype(np.int64)
        high = np.maximum(np.ceil(centre + half).astype(np.int64), low + 1)
        return np.concatenate([low, high], axis=1)

    def _joint_count(self, poses: Sequence[Any]) -> int:
        return int(poses[0].joints.shape[1]) if poses else 0


def crop(image: Array, corners: Array, pad: int) -> tuple[Array, tuple[int, int]]:
    """The pixels of (4,) `corners` xyxy, `pad` outside of the picture, and the (x, y) corner."""
    x0, y0, x1, y1 = (int(value) for value in corners)
    height, width = image.shape[:2]
    inside = image[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
    if inside.shape[:2] == (y1 - y0, x1 - x0):
        return inside, (x0, y0)
    out = np.full((y1 - y0, x1 - x0, 3), pad, np.uint8)
    top, left = max(-y0, 0), max(-x0, 0)
    out[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return out, (x0, y0)


def moved(pose: Keypoints, offset: tuple[int, int]) -> Array:
    """(K, 3) joints of the best person of a crop, in picture pixels; a joint not found stays 0."""
    if not len(pose):
        return np.zeros((pose.joints.shape[1], 3), np.float32)
    joints: Array = pose.joints[0].copy()
    joints[pose.found[0], :2] += np.array(offset, np.float32)
    return joints


def _score(pose: Keypoints) -> float:
    return float(pose.scores[0]) if len(pose) else 0.0
