"""YOLO v1: a grid of cells, each with a few boxes and one set of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from edgecv.head import YoloV1Head
from edgecv.ops.yolo_v1 import YoloGrid, yolo_v1
from edgecv.results import Results
from edgecv.runtime.boxes import detections
from edgecv.runtime.heads import role
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def decode(
    head: YoloV1Head, outputs: Mapping[str, Array], geometries: Sequence[Geometry]
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`."""
    name = head.tensor("grid")
    if name in outputs and outputs[name].ndim == 4:
        outputs = {name: outputs[name].reshape(len(outputs[name]), -1)}
    grids = role(head, outputs, "grid", (None,))
    grid = grid_of(head)
    return [
        detections(head, yolo_v1(values, grid, head.score, head.pre_nms), geometry)
        for values, geometry in zip(grids, geometries, strict=False)
    ]


def grid_of(head: YoloV1Head) -> YoloGrid:
    """How the op reads the head's values."""
    return YoloGrid(
        side=head.side,
        boxes=head.boxes,
        size=head.size,
        square=head.sizes == "sqrt",
        darknet=head.order == "darknet",
        multi_label=head.multi_label,
    )
