"""What a detector finds in one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.results.contract import canvas_of, json_number, label, require, supervision_module

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Detections:
    """Boxes of one image, best first.

    Attributes:
        boxes: (N, 4) float32 xyxy in original pixels, clipped to the image.
        scores: (N,) float32 in 0..1, falling.
        ids: (N,) int64 class ids.
        names: Names of all classes; may be empty.
        image_size: (height, width) of the original image in pixels.
        overflow: How many candidates were dropped because a capacity was full.
        nan: Scores of the network that are no numbers, where the CPU decoded them: a broken
            network, not an empty picture.
    """

    boxes: Array
    scores: Array
    ids: Array
    names: tuple[str, ...]
    image_size: tuple[int, int]
    overflow: int = 0
    nan: int = 0

    def __post_init__(self) -> None:
        """Check the contract."""
        require("Detections.boxes", self.boxes, (None, 4), "float32")
        require("Detections.scores", self.scores, (len(self.boxes),), "float32")
        require("Detections.ids", self.ids, (len(self.boxes),), "int64")

    def __len__(self) -> int:
        """Number of boxes."""
        return len(self.boxes)

    def to_dict(self) -> dict[str, Any]:
        """JSON form: boxes with class id, name, score and xyxy, best first; `nan` where any is."""
        rows = zip(self.ids.tolist(), self.scores.tolist(), self.boxes.tolist(), strict=True)
        return {
            "task": "detect",
            "image_size": list(self.image_size),
            "boxes": [
                {
                    "id": i,
                    "name": label(self.names, i),
                    "score": json_number(s, 6),
                    "xyxy": [json_number(v, 3) for v in box],
                }
                for i, s, box in rows
            ],
            "overflow": self.overflow,
            **({"nan": self.nan} if self.nan else {}),
        }

    def to_supervision(self) -> Any:
        """`supervision.Detections` with the class names in `data["class_name"]`."""
        sv = supervision_module()
        named = np.array([label(self.names, int(i)) for i in self.ids], dtype=str)
        return sv.Detections(
            xyxy=self.boxes,
            confidence=self.scores,
            class_id=self.ids.astype(int),
            data={"class_name": named},
        )

    def draw(self, image: Array, *, line_width: int = 2) -> Array:
        """A copy of `image` ((H, W, 3) uint8 BGR) with boxes and labels.

        Raises:
            ShapeError: `image` is not the picture these results are of.
            MissingPackage: supervision is not installed.
        """
        canvas = canvas_of(image, self.image_size)
        sv = supervision_module()
        found = self.to_supervision()
        labels = [
            f"{label(self.names, int(i))} {float(s):.2f}"
            for i, s in zip(self.ids, self.scores, strict=True)
        ]
        canvas = sv.BoxAnnotator(thickness=line_width).annotate(canvas, found)
        scale = max(0.35, min(image.shape[:2]) / 1000)
        annotator = sv.LabelAnnotator(text_scale=scale, text_padding=2)
        return np.asarray(annotator.annotate(canvas, found, labels=labels))
