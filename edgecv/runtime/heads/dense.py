"""Dense predictions: a box and class scores per anchor point, then class-aware NMS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.head import DenseHead
from edgecv.ops.dense_boxes import DenseLayout, dense_boxes
from edgecv.results import Results
from edgecv.runtime.boxes import detections
from edgecv.runtime.heads import role
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def decode(
    head: DenseHead, outputs: Mapping[str, Array], geometries: Sequence[Geometry]
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`."""
    predictions = role(head, outputs, "predictions", (None, None))
    layout = layout_of(head, predictions.shape)
    return [
        detections(head, dense_boxes(table, layout, head.score, head.pre_nms), geometry)
        for table, geometry in zip(predictions, geometries, strict=False)
    ]


def layout_of(head: DenseHead, shape: tuple[int, ...]) -> DenseLayout:
    """How the op reads predictions of (N, …) `shape`.

    Raises:
        ShapeError: they leave no room for a class.
    """
    layout = DenseLayout(
        channels_last=head.layout == "channels_last",
        xyxy=head.boxes == "xyxy",
        logits=head.activation == "sigmoid",
        objectness=head.objectness,
        multi_label=head.multi_label,
    )
    if len(shape) != 3 or shape[2 if layout.channels_last else 1] <= layout.first:
        raise ShapeError(
            f"head dense: predictions need {layout.first} box values and at least one class",
            got=f"{shape} as {'(N, A, values)' if layout.channels_last else '(N, values, A)'}",
            fix="check head.layout and head.objectness in the recipe",
        )
    return layout
