"""CenterNet: peaks of a heatmap become boxes. Zhou et al., arXiv:1904.07850, section 4.

Differs from the paper: peaks of all classes compete for `max_detections` together, plateaus give
one peak (edgecv.ops.peaks), and there is no test-time flipping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.head import CenterNetHead
from edgecv.ops.center_boxes import CenterLayout, CenterMaps, center_boxes
from edgecv.results import Detections, Results
from edgecv.runtime.heads import tensor_of
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def decode(
    head: CenterNetHead, outputs: Mapping[str, Array], geometries: Sequence[Geometry]
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`; where a box lies: `edgecv.ops.center_boxes`."""
    batch = maps_of(head, outputs)
    found: list[Results] = []
    for *maps, geometry in zip(*batch, geometries, strict=False):
        image = CenterMaps(*(array.astype(np.float32, copy=False) for array in maps))
        kept = center_boxes(image, layout_of(head), head.score, head.max_detections)
        boxes, overflow = geometry.to_image(kept.boxes), kept.total - len(kept.boxes)
        size = geometry.image_size
        found.append(Detections(boxes, kept.scores, kept.ids, head.names, size, overflow))
    return found


def maps_of(head: CenterNetHead, outputs: Mapping[str, Any]) -> CenterMaps:
    """The head's three tensors, with the batch as first dimension.

    Raises:
        FileError: one is missing.
        ShapeError: they do not fit each other.
    """
    heatmap = tensor_of(head, outputs, "heatmap", (None, None, None))
    grid = heatmap.shape[2:]
    size = tensor_of(head, outputs, "size", (2, *grid))
    return CenterMaps(heatmap, size, tensor_of(head, outputs, "offset", (2, *grid)))


def layout_of(head: CenterNetHead) -> CenterLayout:
    """How the op reads the maps."""
    return CenterLayout(head.stride, head.activation == "sigmoid", head.size_unit == "pixel")
