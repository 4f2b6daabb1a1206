"""Results: what a model says about one image, in pixels of the original image.

Every result is a frozen dataclass of numpy arrays. `to_dict()` is the JSON that `--json` prints,
`to_supervision()` hands over to the supervision library, `draw(image)` returns an annotated copy.
Coordinates: x to the right, y down, the origin at the outer corner of the top-left pixel, so the
centre of that pixel is (0.5, 0.5); boxes are (x0, y0, x1, y1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import MissingPackage, ShapeError

Array = npt.NDArray[Any]


def _require(what: str, array: Array, shape: tuple[int | None, ...], dtype: str) -> None:
    fits = array.ndim == len(shape) and all(
        want is None or want == got for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype != np.dtype(dtype):
        want = "(" + ", ".join("N" if side is None else str(side) for side in shape) + ")"
        raise ShapeError(f"{what} must be {want} {dtype}", got=f"{array.shape} {array.dtype}")


def _name(names: tuple[str, ...], index: int) -> str:
    return names[index] if 0 <= index < len(names) else str(index)


def _json(value: float, digits: int) -> float | None:
    """JSON has no NaN: what a broken network gives becomes null."""
    return round(value, digits) if math.isfinite(value) else None


def _canvas(image: Array, image_size: tuple[int, int]) -> Array:
    if image.shape != (*image_size, 3) or image.dtype != np.uint8:
        raise ShapeError(
            "results are drawn on the picture they are of, (H, W, 3) uint8 BGR",
            got=f"{image.shape} {image.dtype}",
            needed=f"({image_size[0]}, {image_size[1]}, 3) uint8",
        )
    return np.array(image, order="C")


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
        _require("Classes.ids", self.ids, (None,), "int64")
        _require("Classes.scores", self.scores, (len(self.ids),), "float32")

    @property
    def best(self) -> str:
        """Name of the most probable class (its number if it has no name; "" if there is none)."""
        return _name(self.names, int(self.ids[0])) if len(self.ids) else ""

    def to_dict(self) -> dict[str, Any]:
        """JSON form: classes with id, name and score, best first."""
        rows = zip(self.ids.tolist(), self.scores.tolist(), strict=True)
        return {
            "task": "classify",
            "image_size": list(self.image_size),
            "classes": [
                {"id": i, "name": _name(self.names, i), "score": _json(s, 6)} for i, s in rows
            ],
        }

    def to_supervision(self) -> Any:
        """`supervision.Classifications` of the kept classes."""
        sv = _supervision()
        return sv.Classifications(class_id=self.ids.astype(int), confidence=self.scores)

    def draw(self, image: Array, *, line_width: int = 2) -> Array:
        """A copy of `image` ((H, W, 3) uint8 BGR) with the best class written in its corner.

        Raises:
            ShapeError: `image` is not the picture these results are of.
        """
        import cv2

        canvas = _canvas(image, self.image_size)
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
    """

    boxes: Array
    scores: Array
    ids: Array
    names: tuple[str, ...]
    image_size: tuple[int, int]
    overflow: int = 0

    def __post_init__(self) -> None:
        """Check the contract."""
        _require("Detections.boxes", self.boxes, (None, 4), "float32")
        _require("Detections.scores", self.scores, (len(self.boxes),), "float32")
        _require("Detections.ids", self.ids, (len(self.boxes),), "int64")

    def __len__(self) -> int:
        """Number of boxes."""
        return len(self.boxes)

    def to_dict(self) -> dict[str, Any]:
        """JSON form: boxes with class id, name, score and xyxy, best first."""
        rows = zip(self.ids.tolist(), self.scores.tolist(), self.boxes.tolist(), strict=True)
        return {
            "task": "detect",
            "image_size": list(self.image_size),
            "boxes": [
                {
                    "id": i,
                    "name": _name(self.names, i),
                    "score": _json(s, 6),
                    "xyxy": [_json(v, 3) for v in box],
                }
                for i, s, box in rows
            ],
            "overflow": self.overflow,
        }

    def to_supervision(self) -> Any:
        """`supervision.Detections` with the class names in `data["class_name"]`."""
        sv = _supervision()
        named = np.array([_name(self.names, int(i)) for i in self.ids], dtype=str)
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
        canvas = _canvas(image, self.image_size)
        sv = _supervision()
        found = self.to_supervision()
        labels = [
            f"{_name(self.names, int(i))} {float(s):.2f}"
            for i, s in zip(self.ids, self.scores, strict=True)
        ]
        canvas = sv.BoxAnnotator(thickness=line_width).annotate(canvas, found)
        scale = max(0.35, min(image.shape[:2]) / 1000)
        label = sv.LabelAnnotator(text_scale=scale, text_padding=2)
        return np.asarray(label.annotate(canvas, found, labels=labels))


Results = Classes | Detections


def _supervision() -> Any:
    try:
        import supervision
    except ImportError as err:
        raise MissingPackage("supervision", "draw", needed_for="drawing results") from err
    return supervision
