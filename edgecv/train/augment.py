"""Augmentations by name (`train.augment` of a recipe), applied to a sample in the order given.

Each takes a labelled picture and a random generator and returns a new one: the same generator
gives the same picture. Geometry is only ever a cut of the picture (padded with grey where it
leaves it); resampling is left to the preprocessor, which training shares with deployment.
Masks, semantic maps and keypoints are dropped by the geometric ones: no training objective of
today reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.data import Sample
from edgecv.errors import UnknownName

Array = npt.NDArray[Any]
Augmentation = Callable[[Sample, np.random.Generator], Sample]

PAD = 114  # grey level outside the picture, the preprocessor's
VISIBLE = 0.5  # an object of which less remains is marked as a crowd: neither asked for nor wrong


def choose(names: Sequence[str]) -> tuple[Augmentation, ...]:
    """The augmentations of these names, in this order.

    Raises:
        UnknownName: no augmentation has one of the names.
    """
    for name in names:
        if name not in AUGMENTATIONS:
            raise UnknownName("augmentation", name, AUGMENTATIONS)
    return tuple(AUGMENTATIONS[name] for name in names)


def flip(sample: Sample, rng: np.random.Generator) -> Sample:
    """Mirror left and right, half of the time. Wrong for digits and letters."""
    if rng.random() < 0.5:
        return sample
    width = sample.image.shape[1]
    boxes = sample.boxes[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1], np.float32)
    return replace(
        sample,
        image=np.ascontiguousarray(sample.image[:, ::-1]),
        boxes=boxes + np.array([width, 0, width, 0], np.float32),
        masks=None,
        semantic=None,
        keypoints=None,
    )


def shift(sample: Sample, rng: np.random.Generator) -> Sample:
    """Move the view by up to a tenth of the picture in x and y."""
    height, width = sample.image.shape[:2]
    dx, dy = rng.uniform(-0.1, 0.1, 2)
    return _cut(sample, round(dx * width), round(dy * height), width, height)


def scale(sample: Sample, rng: np.random.Generator) -> Sample:
    """See the picture from nearer or further, 0.75 to 1.33 times, about a random point."""
    height, width = sample.image.shape[:2]
    factor = float(np.exp(rng.uniform(np.log(0.75), np.log(1 / 0.75))))
    wide, high = max(1, round(width * factor)), max(1, round(height * factor))
    share_x, share_y = rng.random(2)
    return _cut(
        sample, round((width - wide) * share_x), round((height - high) * share_y), wide, high
    )


def crop(sample: Sample, rng: np.random.Generator) -> Sample:
    """Cut 35 to 100 % of the area at an aspect ratio of 3:4 to 4:3 (GoogLeNet, section 6)."""
    height, width = sample.image.shape[:2]
    area = height * width * rng.uniform(0.35, 1.0)
    ratio = float(np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3))))
    wide = min(width, max(1, round(np.sqrt(area * ratio))))
    high = min(height, max(1, round(np.sqrt(area / ratio))))
    left, top = rng.integers(0, width - wide + 1), rng.integers(0, height - high + 1)
    return _cut(sample, int(left), int(top), wide, high)


def brightness(sample: Sample, rng: np.random.Generator) -> Sample:
    """Add up to 32 grey levels, or take them away."""
    return _repaint(sample, sample.image + np.float32(rng.uniform(-32, 32)))


def contrast(sample: Sample, rng: np.random.Generator) -> Sample:
    """Spread the grey levels about their mean by a factor of 0.7 to 1.3."""
    mean = np.float32(sample.image.mean())
    return _repaint(sample, (sample.image - mean) * np.float32(rng.uniform(0.7, 1.3)) + mean)


def tint(sample: Sample, rng: np.random.Generator) -> Sample:
    """Multiply each colour channel by 0.85 to 1.15."""
    return _repaint(sample, sample.image * rng.uniform(0.85, 1.15, 3).astype(np.float32))


def noise(sample: Sample, rng: np.random.Generator) -> Sample:
    """Add Gaussian noise with a standard deviation of up to 8 grey levels."""
    deviation = np.float32(rng.uniform(0, 8))
    draw = rng.standard_normal(sample.image.shape, np.float32)
    return _repaint(sample, sample.image + deviation * draw)


def blur(sample: Sample, rng: np.random.Generator) -> Sample:
    """Blur half of the pictures, with a standard deviation of up to 1.2 pixels."""
    import cv2

    apply, deviation = rng.random() < 0.5, rng.uniform(0.3, 1.2)
    if not apply:
        return sample
    return replace(sample, image=cv2.GaussianBlur(sample.image, (5, 5), deviation))


AUGMENTATIONS: dict[str, Augmentation] = {
    entry.__name__: entry
    for entry in (flip, shift, scale, crop, brightness, contrast, tint, noise, blur)
}


def _repaint(sample: Sample, image: Array) -> Sample:
    return replace(sample, image=np.clip(np.rint(image), 0, 255).astype(np.uint8))


def _cut(sample: Sample, left: int, top: int, width: int, height: int) -> Sample:
    """The window (left, top, width, height) of the picture, in pixels; it may reach outside."""
    old_height, old_width = sample.image.shape[:2]
    image = np.full((height, width, 3), PAD, np.uint8)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, old_width), min(top + height, old_height)
    image[y0 - top : y1 - top, x0 - left : x1 - left] = sample.image[y0:y1, x0:x1]
    moved = sample.boxes - np.array([left, top, left, top], np.float32)
    inside = np.clip(moved, 0, np.array([width, height, width, height], np.float32))
    area, whole = _area(inside), _area(moved)
    keep = area > 0
    crowd = np.zeros(len(moved), np.bool_) if sample.crowd is None else sample.crowd
    return replace(
        sample,
        image=image,
        boxes=inside[keep].astype(np.float32),
        ids=sample.ids[keep],
        crowd=(crowd | (area < VISIBLE * whole))[keep],
        masks=None,
        semantic=None,
        keypoints=None,
    )


def _area(boxes: Array) -> Array:
    area: Array = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area
