"""Where the joints of people are in one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.results.contract import canvas_of, json_number, label, require, supervision_keypoints

Array = npt.NDArray[Any]

_COLORS = (  # BGR, told apart by people with deuteranopia too (Okabe and Ito)
    (178, 114, 0),
    (0, 94, 213),
    (115, 158, 0),
    (167, 121, 204),
    (66, 228, 240),
    (233, 180, 86),
    (0, 159, 230),
)


@dataclass(frozen=True)
class Keypoints:
    """People of one image, best first, each with the same K joints.

    Attributes:
        joints: (P, K, 3) float32: x and y in original pixels, which may lie outside the image, and
            a score; a joint that was not found is (0, 0, 0).
        scores: (P,) float32, falling: how sure each person is, the mean score of the joints found.
        names: Names of the joints; may be empty.
        edges: Pairs of joint indices, the lines of the skeleton.
        image_size: (height, width) of the original image in pixels.
        boxes: (P, 4) float32 xyxy of the people in original pixels, where a detector gave them.
        overflow: How many candidates (peaks, limbs, people) a full capacity dropped.
    """

    joints: Array
    scores: Array
    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    image_size: tuple[int, int]
    boxes: Array | None = None
    overflow: int = 0

    def __post_init__(self) -> None:
        """Check the contract."""
        require("Keypoints.joints", self.joints, (None, None, 3), "float32")
        require("Keypoints.scores", self.scores, (len(self.joints),), "float32")
        if self.boxes is not None:
            require("Keypoints.boxes", self.boxes, (len(self.joints), 4), "float32")

    def __len__(self) -> int:
        """Number of people."""
        return len(self.joints)

    @property
    def found(self) -> Array:
        """(P, K) bool: joints that were found: their score is above 0 (NaN is not)."""
        seen: Array = self.joints[:, :, 2] > 0
        return seen

    def to_dict(self) -> dict[str, Any]:
        """JSON form: people with score and joints by name (null: not found), best first."""
        people = []
        for i, (person, found) in enumerate(zip(self.joints.tolist(), self.found, strict=True)):
            row: dict[str, Any] = {"score": json_number(float(self.scores[i]), 6)}
            if self.boxes is not None:
                row["xyxy"] = [json_number(v, 3) for v in self.boxes[i].tolist()]
            row["joints"] = {
                label(self.names, k): [
                    json_number(x, 3),
                    json_number(y, 3),
                    json_number(score, 6),
                ]
                if found[k]
                else None
                for k, (x, y, score) in enumerate(person)
            }
            people.append(row)
        return {
            "task": "pose",
            "image_size": list(self.image_size),
            "people": people,
            "overflow": self.overflow,
        }

    def to_supervision(self) -> Any:
        """`supervision.KeyPoints`; joints that were not found are at (0, 0)."""
        return supervision_keypoints(self.joints[:, :, :2], self.joints[:, :, 2])

    def draw(self, image: Array, *, line_width: int = 2) -> Array:
        """A copy of `image` ((H, W, 3) uint8 BGR) with the skeletons; a colour a person.

        Raises:
            ShapeError: `image` is not the picture these results are of.
        """
        import cv2

        canvas = canvas_of(image, self.image_size)
        limit = 4 * max(self.image_size)  # a line to far outside costs time and shows nothing new
        found = self.found & (np.abs(self.joints[:, :, :2]) <= limit).all(2)
        places = np.rint(np.where(found[:, :, None], self.joints[:, :, :2], 0) - 0.5).astype(int)
        for person, seen in enumerate(found):
            color = _COLORS[person % len(_COLORS)]
            at = [(int(x), int(y)) for x, y in places[person]]
            for a, b in self.edges:
                if max(a, b) < len(at) and seen[a] and seen[b]:
                    cv2.line(canvas, at[a], at[b], color, line_width, cv2.LINE_AA)
            for k in np.flatnonzero(seen):
                cv2.circle(canvas, at[k], line_width + 1, color, -1, cv2.LINE_AA)
                cv2.circle(canvas, at[k], line_width + 1, (255, 255, 255), 1, cv2.LINE_AA)
        return canvas
