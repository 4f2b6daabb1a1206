"""Mask R-CNN: what `two_stage` finds, and a small mask of each box from a second pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.head import TwoStageMasksHead
from edgecv.ops._probability import sigmoid
from edgecv.ops.roi_align import roi_align
from edgecv.results import Instances, Results
from edgecv.runtime.heads.two_stage import detections, first_stage, grid, one_class, second_stage
from edgecv.runtime.parts import Part
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def decode(
    head: TwoStageMasksHead,
    outputs: Mapping[str, Array],
    geometries: Sequence[Geometry],
    parts: Mapping[str, Part] | None = None,
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`. Without parts: the proposals, as boxes of class 0."""
    found: list[Results] = []
    for index, geometry in enumerate(geometries):
        first, maps = first_stage(head, outputs, index, geometry)
        if not parts:
            found.append(detections(head, one_class(first), geometry))
            continue
        kept = second_stage(head, first, maps, geometry, parts)
        part = parts["mask"]
        raw = part(roi_align(maps, kept.boxes, grid(head, head.mask_size)))
        soft = own_masks(part.output(raw, "masks"), kept.ids, head.background_last)
        plain = detections(head, kept, geometry)
        found.append(
            Instances(
                plain.boxes,
                plain.scores,
                plain.ids,
                tuple(soft),
                geometry.points_to_image(kept.boxes.reshape(-1, 2, 2)).reshape(-1, 4),
                head.names,
                geometry.image_size,
                plain.overflow,
                head.mask_threshold,
            )
        )
    return found


def own_masks(masks: Array, ids: Array, background_last: bool) -> Array:
    """(K, m, m) probabilities: of each box the mask of its own class.

    Args:
        masks: (K, C, m, m) float32 logits, C the classes with or without the background, or 1.
        ids: (K,) int64 class ids, the background not counted.
        background_last: Whether the background is the last of the classes, where there is one.

    Raises:
        ShapeError: there are fewer masks than classes.
    """
    if masks.ndim != 4:
        raise ShapeError("masks must be (K, C, m, m)", got=f"{masks.shape}")
    if masks.shape[1] == 1:
        return sigmoid(masks[:, 0])
    channel = ids if background_last else ids + 1
    if len(ids) and int(channel.max()) >= masks.shape[1]:
        raise ShapeError(
            "the mask part has fewer masks than there are classes",
            got=f"{masks.shape}",
            largest_class=int(ids.max()),
        )
    return sigmoid(masks[np.arange(len(ids)), channel])
