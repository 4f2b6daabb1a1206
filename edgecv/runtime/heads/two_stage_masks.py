"""Mask R-CNN: what `two_stage` finds, and a small mask of each box from a second pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from edgecv.head import TwoStageMasksHead
from edgecv.ops.class_masks import class_masks
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
        soft = class_masks(part.output(raw, "masks"), kept.ids, head.background_last)
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
