"""From pictures to the network's input, and from network pixels back to the picture.

Training, export parity, calibration, evaluation and deployment all use this one preprocessor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops.letterbox import (
    Color,
    Fit,
    Target,
    check_image,
    check_output,
    fit,
    letterbox,
    size_of,
)
from edgecv.ops.letterbox.nv12 import Nv12
from edgecv.ops.refine import pixels_of
from edgecv.recipe import Input

__all__ = ["Geometry", "Nv12", "Preprocessor"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Geometry:
    """How one picture lies in the network's input.

    Attributes:
        image_size: (height, width) of the picture in pixels.
        fit: Where the resized picture lies in the input, in input pixels.
        input_size: (height, width) of the input; (0, 0) where nobody needs it.
        pixels: (h, w, 3) uint8, what the network saw, for heads that decode by it
            (`head.sees_pixels`); None for the others.
    """

    image_size: tuple[int, int]
    fit: Fit
    input_size: tuple[int, int] = (0, 0)
    pixels: Array | None = field(default=None, compare=False, repr=False)

    def to_image(self, boxes: Array) -> Array:
        """Map xyxy boxes from input pixels to picture pixels, clipped to the picture.

        Args:
            boxes: (N, 4) float32 or float64, in pixels of the network's input.

        Returns:
            (N, 4) float32.

        Raises:
            ShapeError: `boxes` is not (N, 4).
        """
        height, width = self.image_size
        mapped: Array = (_boxes(boxes) - self._corner()) * self._scale()
        return np.clip(mapped, 0, np.array([width, height] * 2)).astype(np.float32)

    def points_to_image(self, points: Array) -> Array:
        """Map (..., 2) x, y from input pixels to picture pixels, not clipped, float32."""
        mapped: Array = (points - self._corner()[:2]) * self._scale()[:2]
        return mapped.astype(np.float32)

    def to_input(self, boxes: Array) -> Array:
        """Map (N, 4) xyxy boxes from picture pixels to input pixels, not clipped, float32."""
        mapped: Array = _boxes(boxes) / self._scale() + self._corner()
        return mapped.astype(np.float32)

    def _corner(self) -> Array:
        return np.array([self.fit.left, self.fit.top] * 2, np.float64)

    def _scale(self) -> Array:
        height, width = self.image_size
        return np.array([width / self.fit.width, height / self.fit.height] * 2)


class Preprocessor:
    """Turns pictures into the network's input, as a recipe's `input` section says.

    Safe to share between threads: what is kept between calls is kept per thread.
    """

    def __init__(self, spec: Input, *, pixels: bool = False) -> None:
        """Prepare.

        Args:
            spec: The `input` section of a recipe or a bundle's manifest.
            pixels: Keep what the network saw in each `Geometry` (`head.sees_pixels`).
        """
        self.spec, self.pixels = spec, pixels
        self.target = Target(spec.color, spec.mean, spec.std, spec.pad, spec.interpolation)

    def geometry(self, image_size: tuple[int, int]) -> Geometry:
        """Where a picture of `image_size` (height, width) will lie in the input."""
        spec = self.spec
        place = fit(image_size, spec.size, spec.resize, spec.crop_ratio)
        return Geometry((int(image_size[0]), int(image_size[1])), place, spec.size)

    def said(self, image: Array | Nv12) -> Array | Nv12:
        """An NV12 frame with the recipe's matrix and range where its stream did not say."""
        if not isinstance(image, Nv12) or (image.matrix and image.range):
            return image
        matrix, value_range = image.matrix or self.spec.matrix, image.range or self.spec.range
        return replace(image, matrix=matrix, range=value_range)

    def into(self, image: Array | Nv12, out: Array, *, color: Color = "bgr") -> Geometry:
        """Write one picture into `out`, without allocating once sizes repeat.

        Args:
            image: (H, W, 3) uint8, any strides, or an NV12 frame.
            out: (C, h, w) float32, C-contiguous, (h, w) the network's input size.
            color: Channel order of an array.

        Raises:
            ShapeError: a wrong image or output.
            UnknownName: another `color`.
        """
        check_image(image, color)
        check_output(out, self.target)
        if out.shape[1:] != tuple(self.spec.size):
            raise ShapeError(
                "the output is not the network's input size",
                got=f"{out.shape[1:]}",
                needed=f"{self.spec.size} (height, width)",
            )
        geometry = self.geometry(size_of(image))
        letterbox(self.said(image), out, geometry.fit, self.target, color=color)
        if self.pixels:
            seen = pixels_of(out, self.spec.mean, self.spec.std)
            return replace(geometry, pixels=seen)
        return geometry

    def batch(
        self, images: Sequence[Array | Nv12], *, color: Color = "bgr"
    ) -> tuple[Array, list[Geometry]]:
        """N pictures as one (N, C, h, w) float32 array, and where each lies in it; see `into`.

        Raises:
            ShapeError: a wrong image, or none at all.
        """
        if len(images) == 0:
            raise ShapeError("a batch needs at least one image", got=0)
        out = np.empty((len(images), self.spec.channels, *self.spec.size), np.float32)
        geometries = [self.into(image, out[i], color=color) for i, image in enumerate(images)]
        return out, geometries


def _boxes(boxes: Array) -> Array:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ShapeError("boxes must be (N, 4)", got=f"{boxes.shape}")
    return boxes.astype(np.float64)
