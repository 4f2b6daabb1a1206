"""What a classifier says of one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from edgecv.results.contract import canvas_of, json_number, label, require, supervision_module

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Classes:
    """The best classes of one image, best first.

    Attributes:
        ids: (K,) int64 class ids.
        scores: (K,) float32 probabilities.
        names: Names of all classes; may be empty.
        image_size: (height, width) of the original image in pixels.
    """

    ids: Array
    scores: Array
    names: tuple[str, ...]
    image_size: tuple[int, int]

    def __post_init__(self) -> None:
        """Check the contract."""
        require("Classes.ids", self.ids, (None,), "int64")
        require("Classes.scores", self.scores, (len(self.ids),), "float32")

    @property
    def best(self) -> str:
        """Name of the most probable class (its number if it has no name; "" if there is none)."""
        return label(self.names, int(self.ids[0])) if len(self.ids) else ""

    def to_dict(self) -> dict[str, Any]:
        """JSON form: classes with id, name and score, best first."""
        rows = zip(self.ids.tolist(), self.scores.tolist(), strict=True)
        return {
            "task": "classify",
            "image_size": list(self.image_size),
            "classes": [
                {"id": i, "name": label(self.names, i), "score": json_number(s, 6)} for i, s in rows
            ],
        }

    def to_supervision(self) -> Any:
        """`supervision.Classifications` of the kept classes."""
        sv = supervision_module()
        return sv.Classifications(class_id=self.ids.astype(int), confidence=self.scores)

    def draw(self, image: Array, *, line_width: int = 2) -> Array:
        """A copy of `image` ((H, W, 3) uint8 BGR) with the best class written in its corner.

        Raises:
            ShapeError: `image` is not the picture these results are of.
        """
        import cv2

        canvas = canvas_of(image, self.image_size)
        text = " ".join([self.best, *(f"{float(score):.2f}" for score in self.scores[:1])])
        scale = max(0.4, min(image.shape[:2]) / 400)
        thickness = max(1, line_width // 2)
        (width, height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
        cv2.rectangle(canvas, (0, 0), (width + 6, height + base + 4), (0, 0, 0), -1)
        at = (3, height + 2)
        cv2.putText(
            canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), thickness, 16
        )
        return canvas
