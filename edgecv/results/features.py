"""Keypoints of one picture with their descriptors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import UsageError
from edgecv.results.contract import canvas_of, json_number, require, supervision_keypoints

if TYPE_CHECKING:
    from edgecv.results.matches import Matches

Array = npt.NDArray[Any]

_COLOR = (115, 158, 0)  # BGR, Okabe and Ito's green


@dataclass(frozen=True)
class Features:
    """Keypoints of one picture, best first.

    Attributes:
        points: (N, 2) float32 x and y in original pixels.
        scores: (N,) float32, falling, in the network's unit.
        descriptors: (N, D) float32 of unit length, or None where the network gives none.
        image_size: (height, width) of the original image in pixels.
        overflow: How many keypoints a full capacity dropped.
    """

    points: Array
    scores: Array
    descriptors: Array | None
    image_size: tuple[int, int]
    overflow: int = 0

    def __post_init__(self) -> None:
        """Check the contract."""
        require("Features.points", self.points, (None, 2), "float32")
        require("Features.scores", self.scores, (len(self.points),), "float32")
        if self.descriptors is not None:
            require("Features.descriptors", self.descriptors, (len(self.points), None), "float32")

    def __len__(self) -> int:
        """Number of keypoints."""
        return len(self.points)

    def match(
        self, other: Features, *, ratio: float | None = None, farthest: float | None = None
    ) -> Matches:
        """Keypoints of both pictures whose descriptors are each other's nearest.

        Args:
            other: Of the other picture, from the same network.
            ratio: Lowe's test: nearest / second nearest must be below, 0.8 for instance.
            farthest: Largest distance of unit descriptors, 0 to 2; SuperPoint's authors use 0.7.

        Raises:
            UsageError: one of the two has no descriptors, or a limit has no meaning.
            ShapeError: the descriptors have different lengths.
        """
        from edgecv.ops.match import Limits, match
        from edgecv.results.matches import Matches

        if self.descriptors is None or other.descriptors is None:
            raise UsageError("features without descriptors cannot be matched")
        limits = Limits(ratio, farthest)
        return Matches(*match(self.descriptors, other.descriptors, limits))

    def to_dict(self, *, descriptors: bool = False) -> dict[str, Any]:
        """JSON form: keypoints, best first; their descriptors (a megabyte) only where asked."""
        rows: list[dict[str, Any]] = [
            {"xy": [json_number(v, 3) for v in point], "score": json_number(score, 6)}
            for point, score in zip(self.points.tolist(), self.scores.tolist(), strict=True)
        ]
        if descriptors and self.descriptors is not None:
            for row, vector in zip(rows, self.descriptors.tolist(), strict=True):
                row["descriptor"] = [json_number(v, 6) for v in vector]
        return {
            "task": "features",
            "image_size": list(self.image_size),
            "keypoints": rows,
            "descriptor_size": 0 if self.descriptors is None else self.descriptors.shape[1],
            "overflow": self.overflow,
        }

    def to_supervision(self) -> Any:
        """`supervision.KeyPoints` of one object whose joints are the keypoints."""
        return supervision_keypoints(self.points[None], self.scores[None])

    def draw(self, image: Array, *, line_width: int = 1) -> Array:
        """A copy of `image` ((H, W, 3) uint8 BGR) with a circle round each keypoint.

        Raises:
            ShapeError: `image` is not the picture these results are of.
        """
        import cv2

        canvas = canvas_of(image, self.image_size)
        limit = 4 * max(self.image_size)
        seen = self.points[(np.abs(self.points) <= limit).all(axis=1)]  # NaN is not
        for x, y in np.rint(seen - 0.5).astype(int).tolist():
            cv2.circle(canvas, (x, y), 2 + line_width, _COLOR, line_width, cv2.LINE_AA)
        return canvas
