"""What an instance segmenter finds in one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops.mask_paste import mask_paste
from edgecv.ops.mask_paste.cpu import window
from edgecv.results.contract import canvas_of, label, require, supervision_module
from edgecv.results.detections import Detections
from edgecv.results.rle import encode

Array = npt.NDArray[Any]

_SHADE = 0.5  # of a mask's colour over the picture


@dataclass(frozen=True)
class Instances:
    """Boxes of one image with their masks, best first.

    Masks stay as small as the network gave them until one is asked for: 100 masks of a 1080p
    picture are 300 KB so, and 200 MB pasted.

    Attributes:
        boxes: (N, 4) float32 xyxy in original pixels, clipped to the image.
        scores: (N,) float32 in 0..1, falling.
        ids: (N,) int64 class ids.
        soft: N small masks, (h_i, w_i) float32 probabilities.
        regions: (N, 4) float32 xyxy: where each small mask lies, in original pixels, not clipped.
        names: Names of all classes; may be empty.
        image_size: (height, width) of the original image in pixels.
        overflow: How many candidates were dropped because a capacity was full.
        threshold: From this probability on a pixel belongs to its instance.
    """

    boxes: Array
    scores: Array
    ids: Array
    soft: tuple[Array, ...]
    regions: Array
    names: tuple[str, ...]
    image_size: tuple[int, int]
    overflow: int = 0
    threshold: float = 0.5

    def __post_init__(self) -> None:
        """Check the contract."""
        require("Instances.boxes", self.boxes, (None, 4), "float32")
        require("Instances.scores", self.scores, (len(self.boxes),), "float32")
        require("Instances.ids", self.ids, (len(self.boxes),), "int64")
        require("Instances.regions", self.regions, (len(self.boxes), 4), "float32")
        if len(self.soft) != len(self.boxes):
            raise ShapeError("Instances needs one mask a box", got=len(self.soft))
        for mask in self.soft:
            require("Instances.soft", mask, (None, None), "float32")

    def __len__(self) -> int:
        """Number of instances."""
        return len(self.boxes)

    @property
    def detections(self) -> Detections:
        """The same without masks."""
        parts = (self.boxes, self.scores, self.ids, self.names, self.image_size)
        return Detections(*parts, self.overflow)

    def mask(self, index: int) -> Array:
        """(H, W) bool: the pixels of one instance."""
        one = slice(index, index + 1) if index != -1 else slice(index, None)
        rest = (self.regions[one], self.boxes[one], self.image_size, self.threshold)
        pasted: Array = mask_paste(self.soft[one], *rest)[0]
        return pasted

    def masks(self) -> Array:
        """(N, H, W) bool: the pixels of every instance; a byte each, so large pictures cost."""
        rest = (self.regions, self.boxes, self.image_size, self.threshold)
        return mask_paste(self.soft, *rest)

    def rle(self, index: int) -> dict[str, Any]:
        """One mask in COCO's compressed run-length encoding; nothing of full size is made."""
        top, left, inside = self._window(index)
        return encode(inside, (top, left), self.image_size)

    def to_dict(self) -> dict[str, Any]:
        """JSON form: as detections, each with its mask as COCO's `segmentation` (RLE)."""
        told = self.detections.to_dict()
        rows = [row | {"segmentation": self.rle(i)} for i, row in enumerate(told.pop("boxes"))]
        overflow = told.pop("overflow")
        return told | {"task": "instance", "instances": rows, "overflow": overflow}

    def to_supervision(self) -> Any:
        """`supervision.Detections` with full-size masks."""
        found = self.detections.to_supervision()
        found.mask = self.masks() if len(self) else None
        return found

    def draw(self, image: Array, *, line_width: int = 2) -> Array:
        """A copy of `image` ((H, W, 3) uint8 BGR) with masks, boxes and labels.

        Raises:
            ShapeError: `image` is not the picture these results are of.
            MissingPackage: supervision is not installed.
        """
        canvas = canvas_of(image, self.image_size)
        palette = supervision_module().ColorPalette.DEFAULT
        for index in reversed(range(len(self))):  # the best is painted last
            top, left, inside = self._window(index)
            part = canvas[top : top + inside.shape[0], left : left + inside.shape[1]]
            colour = np.float32(palette.by_idx(int(self.ids[index])).as_bgr())
            part[inside] = part[inside] * (1 - _SHADE) + colour * _SHADE
        return self.detections.draw(canvas, line_width=line_width)

    def name(self, index: int) -> str:
        """Name of an instance's class (its number if it has no name)."""
        return label(self.names, int(self.ids[index]))

    def _window(self, index: int) -> tuple[int, int, Array]:
        rest = (self.regions[index], self.boxes[index], self.image_size, self.threshold)
        return window(self.soft[index], *rest)
