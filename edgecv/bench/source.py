"""The picture that is benchmarked: a real photograph, as large as a camera's."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import MissingPackage

Array = npt.NDArray[Any]
PHOTOGRAPH = "coffee"


def source_frame(size: tuple[int, int]) -> tuple[Array, str]:
    """A frame of `size` (height, width), (H, W, 3) uint8 BGR, and what it shows.

    A photograph from scikit-image's wheel, scaled and cut; where that is not installed (a bare
    device), smooth noise, which decodes and resizes at the same speed.
    """
    import cv2

    try:
        from edgecv.data.photographs import photograph

        image, name = photograph(PHOTOGRAPH), f"photograph {PHOTOGRAPH}"
    except MissingPackage:
        noise = np.random.default_rng(0).integers(0, 256, (68, 120, 3), dtype=np.uint8)
        image, name = noise, "smooth noise"
    scale = max(size[0] / image.shape[0], size[1] / image.shape[1])
    height, width = (
        max(want, round(side * scale)) for want, side in zip(size, image.shape[:2], strict=True)
    )
    large = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return np.ascontiguousarray(large[top : top + size[0], left : left + size[1]]), name
