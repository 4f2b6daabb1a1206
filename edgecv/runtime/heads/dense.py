"""Dense predictions: a box and class scores per anchor point, then class-aware NMS.

Every class of a point that reaches the score counts, as in YOLO's own validation. At most
`ops.nms.MAX_CANDIDATES` candidates, the best, enter NMS; how many did not is the overflow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.head import DenseHead
from edgecv.ops.nms import MAX_CANDIDATES, nms
from edgecv.ops.topk import topk
from edgecv.results import Detections, Results
from edgecv.runtime.heads import logit, role, sigmoid
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def decode(
    head: DenseHead, outputs: Mapping[str, Array], geometries: Sequence[Geometry]
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`."""
    predictions = role(head, outputs, "predictions", (None, None))
    if head.layout == "channels_last":
        predictions = predictions.transpose(0, 2, 1)
    if predictions.shape[1] < 5:
        raise ShapeError(
            "head dense: predictions need 4 box values and at least one class",
            got=f"{predictions.shape} as (N, 4 + C, A)",
            fix="check head.layout in the recipe",
        )
    pairs = zip(predictions, geometries, strict=False)
    return [_image(head, table, geometry) for table, geometry in pairs]


def _image(head: DenseHead, table: Array, geometry: Geometry) -> Detections:
    raw = head.activation == "sigmoid"
    scores = table[4:].reshape(-1)
    index = np.flatnonzero(scores >= np.float32(logit(head.score) if raw else head.score))
    best = index[topk(scores[index], MAX_CANDIDATES)]
    ids, point = np.divmod(best, table.shape[1])
    boxes = np.ascontiguousarray(_xyxy(head, table[:4, point].T))
    kept = nms(boxes, ids, head.iou, head.max_detections)
    value = scores[best[kept]]
    return Detections(
        geometry.to_image(boxes[kept]),
        sigmoid(value) if raw else value,
        ids[kept],
        head.names,
        geometry.image_size,
        len(index) - len(best),
    )


def _xyxy(head: DenseHead, boxes: Array) -> Array:
    if head.boxes == "xyxy":
        return boxes
    half = boxes[:, 2:] * np.float32(0.5)
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
