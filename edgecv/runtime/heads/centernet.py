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
from edgecv.ops.peaks import peaks
from edgecv.results import Detections, Results
from edgecv.runtime.heads import logit, role, sigmoid
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def decode(
    head: CenterNetHead, outputs: Mapping[str, Array], geometries: Sequence[Geometry]
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`.

    A cell's box is centred at (x + offset_x, y + offset_y) cells, in input pixels after
    multiplying by the stride.
    """
    heatmaps = role(head, outputs, "heatmap", (None, None, None))
    grid = heatmaps.shape[2:]
    sizes = role(head, outputs, "size", (2, *grid))
    offsets = role(head, outputs, "offset", (2, *grid))
    raw = head.activation == "sigmoid"
    threshold = logit(head.score) if raw else head.score
    found: list[Results] = []
    for heatmap, size, offset, geometry in zip(heatmaps, sizes, offsets, geometries, strict=False):
        index, dropped = peaks(heatmap, threshold, head.max_detections)
        value = heatmap.reshape(-1)[index]
        ids, cell = np.divmod(index, grid[0] * grid[1])
        boxes = geometry.to_image(_boxes(head, cell, size, offset))
        scores = sigmoid(value) if raw else value
        found.append(Detections(boxes, scores, ids, head.names, geometry.image_size, dropped))
    return found


def _boxes(head: CenterNetHead, cell: Array, size: Array, offset: Array) -> Array:
    """(K, 4) xyxy float32 in input pixels, of the boxes at flat cell indices."""
    y, x = np.divmod(cell, size.shape[2])
    centre = np.stack([x, y], axis=1) + offset.reshape(2, -1)[:, cell].T
    half = size.reshape(2, -1)[:, cell].T * np.float32(0.5)
    centre *= head.stride
    if head.size_unit == "cell":
        half *= head.stride
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
