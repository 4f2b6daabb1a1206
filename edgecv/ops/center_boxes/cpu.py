"""CPU twin of center_boxes: arrays of the few peaks."""

from __future__ import annotations

import numpy as np

from edgecv.ops._candidates import Candidates, corners
from edgecv.ops._probability import limit_of, sigmoid
from edgecv.ops.center_boxes import CenterLayout, CenterMaps
from edgecv.ops.peaks import peaks


def center_boxes(maps: CenterMaps, layout: CenterLayout, score: float, k: int) -> Candidates:
    """See `edgecv.ops.center_boxes`; the arguments are checked there."""
    heatmap, size, offset = maps
    _, height, width = heatmap.shape
    index, dropped = peaks(heatmap, float(limit_of(score, layout.logits)), k)
    ids, cell = np.divmod(index, height * width)
    y, x = np.divmod(cell, width)
    place = np.stack([x, y], axis=1).astype(np.float32)
    centre = (place + offset.reshape(2, -1)[:, cell].T) * np.float32(layout.stride)
    sides = size.reshape(2, -1)[:, cell].T * np.float32(layout.size_scale)
    value = heatmap.reshape(-1)[index]
    scores = sigmoid(value) if layout.logits else value
    return Candidates(corners(centre, sides), scores, ids, len(index) + dropped)
