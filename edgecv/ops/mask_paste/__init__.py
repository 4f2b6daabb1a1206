"""Mask paste: small soft masks become full-size binary ones, inside their boxes only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("mask_paste", atol=0.0, share=0.0, providers=("cpu",))


def mask_paste(
    masks: Sequence[Array],
    regions: Array,
    boxes: Array,
    size: tuple[int, int],
    threshold: float = 0.5,
    *,
    provider: str = "cpu",
) -> Array:
    """The pixels of each instance in a picture of `size`.

    A mask covers its region as a picture covers its frame: cell (0, 0) is the region's top left
    part. The value at a pixel's centre is bilinear between the centres of cells (half-pixel
    convention), cells beyond the mask count as zero, and a pixel belongs to the instance if its
    value is at least `threshold` and its centre lies in the box (left and top included). All in
    float32: first along x, then along y.

    Mask R-CNN's masks cover their box, so `regions` is `boxes`; YOLACT's are crops of a map, a
    little larger than their box. Same as Detectron2's `paste_masks_in_image`, which differs below
    a threshold of 0.5: it lets masks reach half a cell out of their box. (torchvision rounds boxes
    to whole pixels first; we do not.)

    Args:
        masks: N float32 arrays (h_i, w_i), of any size each: probabilities.
        regions: (N, 4) float32 xyxy in picture pixels. One of no area, or not finite, has no mask.
        boxes: (N, 4) float32 xyxy in picture pixels.
        size: (H, W) of the picture.
        threshold: In the unit of the masks.
        provider: "cpu".

    Returns:
        (N, H, W) bool.

    Raises:
        ShapeError: wrong shapes or dtypes.

    Source: He et al., "Mask R-CNN", arXiv:1703.06870, section 3.1 (inference).
    """
    for name, array in (("regions", regions), ("boxes", boxes)):
        if array.shape != (len(masks), 4) or array.dtype != np.float32:
            raise ShapeError(
                f"{name} must be ({len(masks)}, 4) float32", got=f"{array.shape} {array.dtype}"
            )
    for mask in masks:
        if mask.ndim != 2 or mask.dtype != np.float32:
            raise ShapeError("masks must be (h, w) float32", got=f"{mask.shape} {mask.dtype}")
    pasted: Array = OP.on(provider)(masks, regions, boxes, size, threshold)
    return pasted
